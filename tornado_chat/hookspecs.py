"""The hooks a plugin may implement: what each is given, answers, and may raise.

Never imports what it names: the types are for readers and type checkers. The long text, with
examples, is docs/reference/hooks.md, which a test holds equal to this file.

A plugin is a module that says `api = 1` and has functions marked with `hookimpl`:

    from tornado_chat import TopicProvider, hookimpl

    api = 1

    class Board(TopicProvider):
        kind = "board"

        async def authorize(self, identity, action, topic):
            return action != "publish" or identity.may("board")

    @hookimpl
    def register_topics():
        return [Board()]

A hook is given only the arguments that it declares, by name. Arguments are added later, never
taken away. `server` is the plugin's own, `config` its checked section of the configuration.

Boot hooks (`register_*`, `startup`, `shutdown`) are called once per plugin, on the loop's thread,
in the order of `requires`; what they raise stops the start and names plugin, file and line. The
others see traffic; what they raise is contained, counted and logged without its text, since that
may hold the text of a message.
"""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    import click
    from marshmallow import Schema
    from tornado.routing import Rule

    from tornado_chat.app import Server
    from tornado_chat.consumers import Consumer
    from tornado_chat.messages import Credentials, Draft, Identity, Message, Topic
    from tornado_chat.session import Session
    from tornado_chat.store.models import StoreModel
    from tornado_chat.topics import Action, TopicProvider
    from tornado_chat.web.dialect import Dialect

PROJECT = "tornado_chat"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_config() -> "type[Schema] | None":
    """The marshmallow schema of `[plugins.<name>]`.

    Called while the plugin is loaded, before anything else of it. The section is checked by this
    schema, with its defaults filled in, and given to the other hooks as `config`. A plugin
    without a schema takes no section.
    """


@hookspec
def register_models() -> "list[type[StoreModel]] | None":
    """The plugin's own tables: classes deriving from `tornado_chat.StoreModel`.

    Called before the database is opened. Table names begin with the plugin's name. A table that is
    missing is created, after the migrations have run.
    """


@hookspec
def register_migrations() -> "str | Path | None":
    """The folder with the plugin's migrations, scripts of `playhouse.migrations`.

    Called before the database is opened. A relative folder starts at the plugin's module. Each
    plugin has its own history of what was applied.
    """


@hookspec
def register_topics(server: "Server", config: Mapping[str, Any]) -> "list[TopicProvider] | None":
    """The providers of the plugin's kinds of topic, as objects.

    Called while the server is built, before the database is open. A kind that two plugins claim
    stops the start and names both.
    """


@hookspec
def register_routes(
    server: "Server", config: Mapping[str, Any]
) -> "list[Rule | tuple[Any, ...]] | None":
    """Tornado routes, `(pattern, handler)` or longer, with handlers deriving from `PluginHandler`.

    Called while the server is built, after `register_topics`. Patterns are relative to
    `/plugins/<name>`, or to the root where the configuration says `mount = "/"`.
    """


@hookspec
def register_dialects(server: "Server", config: Mapping[str, Any]) -> "list[Dialect] | None":
    """The sockets of a face: path, how frames are read and messages written.

    Called while the server is built, after `register_topics`. A path that is taken stops the
    start.
    """


@hookspec
def register_consumers(server: "Server", config: Mapping[str, Any]) -> "list[Consumer] | None":
    """Named handlers with a stored position: every message at least once, in order.

    Called while the server is built, after `register_topics`; they begin after `startup`. See
    `tornado_chat.Consumer` for what is called where. A failure is counted and logged without its
    text, and tried again until it goes well; other consumers go on meanwhile.
    """


@hookspec
def register_commands(cli: "click.Group") -> None:
    """Adds subcommands to `tornado-chat`.

    Called by the command line, without a server: neither loop nor database is there.
    """


@hookspec
def startup(server: "Server", config: Mapping[str, Any]) -> "Awaitable[None] | None":
    """The database is open and the topics are there; no socket is accepted before it returns.

    May be async. What runs on belongs into `server.spawn` or `server.run_once`. Where one fails
    the start stops, and the plugins started before it are shut down.
    """


@hookspec
def shutdown(server: "Server") -> "Awaitable[None] | None":
    """Sockets are closed, the database is still open. Called in reverse order, for those started.

    May be async, with ten seconds each. One that fails or hangs is logged, the rest goes on.
    """


@hookspec
def authenticate(
    credentials: "Credentials", server: "Server", config: Mapping[str, Any]
) -> "Identity | Awaitable[Identity | None] | None":
    """Who shows these credentials; None where the plugin does not know them.

    May be async. On the loop's thread, for credentials that the house does not
    remember, in the order of `requires`: the first answer wins; raising `Denied` or `Unauthorized`
    ends the search. Any other error counts as None, but then credentials that nobody else knows
    are answered `unavailable` and not `unauthorized`, which would make a client forget its key.
    """


@hookspec
def authorize(
    identity: "Identity",
    action: "Action",
    topic: "Topic",
    server: "Server",
    config: Mapping[str, Any],
) -> "bool | Awaitable[bool | None] | None":
    """Vetoes what the topic's provider has allowed. Only False does; nothing widens.

    `action`: "subscribe", "publish" or "history". May be async. On the loop's
    thread. Raising `Denied` vetoes with a text of one's own; any other error is answered
    `unavailable`: a check that fails lets nobody in.
    """


@hookspec
def filter_message(message: "Draft", server: "Server", config: Mapping[str, Any]) -> "Draft | None":
    """A changed message, or None to leave it as it is, before it is numbered.

    MUST be quick, free of side effects and safe on any thread: it runs where the message is
    numbered, and may run twice for one message. `data`, `audience` and `sender_name` may be changed
    (`dataclasses.replace`), nothing else. Not async. Raise `Denied`, `BadRequest` or another of the
    house's errors to refuse the message. Anything else refuses this message with `unavailable`: a
    filter that an odd message can crash must not let it through.
    """


@hookspec
def message_published(
    message: "Message", server: "Server", config: Mapping[str, Any]
) -> "Awaitable[None] | None":
    """A message was committed and handed to the sessions.

    An observer: called on the loop's thread after the answer, in the order of the log, at most
    once, best effort, from a queue of 10,000 events per plugin of which the oldest is lost first.
    May be async, with five seconds; a plain function MUST NOT block. One that fails five times in a
    row is told nothing for a while.
    """


@hookspec
def session_opened(
    session: "Session", server: "Server", config: Mapping[str, Any]
) -> "Awaitable[None] | None":
    """A socket was opened and its person is known. An observer, as `message_published`."""


@hookspec
def session_closed(
    session: "Session", code: int, server: "Server", config: Mapping[str, Any]
) -> "Awaitable[None] | None":
    """A socket has ended; `code` is its close code. An observer, as `message_published`."""
