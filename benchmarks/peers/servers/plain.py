"""Tornado and Peewee as a good programmer writes it first: a handler, a model, `write_message` in
a loop, one commit a message. It keeps what it promises, durability too: synchronous=FULL.

/?key=K&room=R hears the room and says there; what is said with "signal" is not stored.
"""

import asyncio
import json
import sys
from collections import defaultdict

import peewee
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

database = peewee.SqliteDatabase(None, pragmas={"journal_mode": "wal", "synchronous": "full"})
rooms: defaultdict[str, set["Chat"]] = defaultdict(set)


class Base(peewee.Model):
    class Meta:
        database = database


class User(Base):
    name = peewee.CharField()
    key = peewee.CharField(unique=True)


class Message(Base):
    room = peewee.CharField(index=True)
    user = peewee.ForeignKeyField(User)
    content = peewee.TextField()


class Chat(WebSocketHandler):
    def prepare(self) -> None:
        self.user = User.get_or_none(User.key == self.get_query_argument("key"))
        if self.user is None:
            self.send_error(401)

    def open(self) -> None:
        self.room = self.get_query_argument("room")
        self.set_nodelay(True)
        if self.get_query_argument("hears", "1") == "1":
            rooms[self.room].add(self)

    async def on_message(self, message: str | bytes) -> None:
        said = json.loads(message)
        push = {"room": self.room, "sender": self.user.name, "content": said["content"]}
        if not said.get("signal"):
            stored = Message.create(room=self.room, user=self.user, content=said["content"])
            push["message"] = stored.id
        text = json.dumps({"push": push})
        for member in rooms[self.room]:
            try:
                member.write_message(text)
            except WebSocketClosedError:
                continue
        self.write_message(json.dumps({"id": said["id"], "ok": push.get("message")}))

    def on_close(self) -> None:
        rooms[self.room].discard(self)


async def main(path: str, users: int) -> None:
    database.init(path)
    database.create_tables([User, Message])
    with database.atomic():
        for number in range(users):
            User.create(name=f"u{number}", key=f"key-{number}")
    server = Application([("/", Chat)]).listen(0, "127.0.0.1")
    [(_, listener)] = list(server._sockets.items())
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
