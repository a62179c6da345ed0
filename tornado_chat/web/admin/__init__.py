"""What an admin sees and does over REST, all of it below /admin and inside his own company.

door    who is let in                         shapes  what goes in and out
sessions, topics, users, keys                 of the company
house   plugins and the configuration: of the server, without what is other companies'
"""

from tornado_chat.web.admin.door import Door
from tornado_chat.web.admin.house import InForce, PluginList
from tornado_chat.web.admin.keys import UserKey, UserKeys
from tornado_chat.web.admin.sessions import OneSession, SessionList
from tornado_chat.web.admin.topics import TopicList
from tornado_chat.web.admin.users import OneUser, UserList

ROUTES: list[tuple[str, type[Door]]] = [
    (r"/admin/sessions", SessionList),
    (r"/admin/sessions/([^/]+)", OneSession),
    (r"/admin/topics", TopicList),
    (r"/admin/plugins", PluginList),
    (r"/admin/configuration", InForce),
    (r"/admin/users", UserList),
    (r"/admin/users/([^/]+)", OneUser),
    (r"/admin/users/([^/]+)/keys", UserKeys),
    (r"/admin/users/([^/]+)/keys/([^/]+)", UserKey),
]
