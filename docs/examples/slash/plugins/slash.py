"""Commands in chat rooms, such as /me, /roll and /topic, and words that nobody says there.

Another plugin that says requires = ["slash"] adds its own at startup:

    server.service("slash").add("shout", "TEXT, loud", lambda call: call.text.upper())
"""

import contextlib
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from unicodedata import category, normalize

from marshmallow import Schema, fields, validate
from tornado_chat import BadRequest, Consumer, Denied, Identity, NotFound, Topic, hookimpl

api = 1
requires = ["chat_rooms"]

COMMAND = re.compile(r"/([^\W\d_]\w{0,31})(?:\s+(.*))?", re.DOTALL)  # /etc/hosts is none
DICE = re.compile(r"([1-9]\d?)?d([1-9]\d{0,3})", re.ASCII | re.IGNORECASE)
NAME = re.compile(r"[^\x00-\x1f\x7f]{1,255}")  # of a room


class Settings(Schema):
    words = fields.List(
        fields.String(validate=validate.Regexp(r"\S(.*\S)?\Z", error="not a word")),
        load_default=list,
        metadata={"doc": "What has one of these words is refused."},
    )


@dataclass(frozen=True)
class Call:
    """A command as it was typed; `text` is what follows it, `name` of who typed it."""

    topic: Topic
    user: str
    name: str
    text: str


class Slash:
    """The service `slash`."""

    def __init__(self, words: Iterable[str]):
        self.commands = {"help": ("lists what there is", self._help, None)}
        self.words = [seen for word in words if (seen := fold(word))]

    def add(self, name, about, say, then=None):
        """`say(call)` gives what the room reads instead. It is quick and does nothing else; it
        raises Denied to tell only who typed it, BadRequest for what cannot be meant.
        `await then(call)` follows when that was said, at least once.
        """
        self.commands[name] = (about, say, then)

    def said(self, message):
        """The data of what a person types, as it is stored. Raises what refuses it."""
        content = message.data["content"]
        data = message.data
        if content.startswith("//"):
            data = {**data, "content": content[1:]}
        elif typed := COMMAND.fullmatch(content.rstrip()):
            data = self._done(message, typed[1].casefold(), typed[2] or "")
        if self._forbidden(content) or self._forbidden(data["content"]):
            raise Denied("content: has a word that is not said here")
        return data

    def _done(self, message, name, text):
        if name not in self.commands:
            near = get_close_matches(name, self.commands, 1) or ["help"]
            raise BadRequest(f"content: not a command, did you mean /{near[0]}?")
        _about, say, then = self.commands[name]
        said = {"content": say(call_of(message, text))}
        return {**said, "command": {"name": name, "text": text}} if then else said

    def _help(self, _call):
        raise Denied("\n".join(f"/{name} {about}" for name, (about, *_) in self.commands.items()))

    def _forbidden(self, text):
        text = fold(text) if self.words else ""
        return any(has(text, word) for word in self.words)

    async def then(self, message):
        """What follows when a command was said."""
        done = message.data.get("command")
        if not done or not message.sender:
            return
        _about, _say, then = self.commands.get(done["name"], (None, None, None))
        if then:
            # who is no member any more never will be: trying again would hold up the others
            with contextlib.suppress(BadRequest, Denied, NotFound):
                await then(call_of(message, done["text"]))


def call_of(message, text):
    user = message.sender
    return Call(message.topic, user, message.sender_name or user, text)


def fold(text):
    """Without case, as it looks and not as it is composed, and without what is not seen."""
    text = normalize("NFKC", normalize("NFKC", text).casefold())
    return "".join(each for each in text if category(each) != "Cf")


def has(text, word):
    """Whether the word is there as a whole: beside it is no letter, vowel sign or digit."""
    at = text.find(word)
    while at >= 0:
        beside = text[max(at - 1, 0) : at] + text[at + len(word) :][:1]
        if not any(category(each)[0] in "LMN" for each in beside):
            return True
        at = text.find(word, at + 1)
    return False


def me(call):
    if not call.text:
        raise BadRequest("content: /me takes what you do")
    return f"* {call.name} {call.text}"


def roll(call):
    if not (dice := DICE.fullmatch(call.text or "d6")):
        raise BadRequest("content: /roll takes dice, such as 2d6")
    count, sides = int(dice[1] or 1), int(dice[2])
    thrown = [random.randint(1, sides) for _ in range(count)]
    added = " + ".join(map(str, thrown)) + (f" = {sum(thrown)}" if count > 1 else "")
    return f"* {call.name} rolls {count}d{sides}: {added}"


def topic(call):
    if not NAME.fullmatch(call.text):
        raise BadRequest("content: /topic takes a name, at most 255 characters on one line")
    return f"* {call.name} calls the room {call.text}"


@hookimpl
def register_config():
    return Settings


@hookimpl
def register_topics(server, config):
    async def rename(call):
        person = Identity(user_id=call.user, tenant=call.topic.tenant, name=call.name)
        await server.service("chat_rooms").change(person, call.topic.key, name=call.text)

    slash = Slash(config["words"])
    slash.add("me", "TEXT, as in /me waves", me)
    slash.add("roll", "2d6, or other dice", roll)
    slash.add("topic", "NAME, for this room", topic, rename)
    server.offer("slash", slash)


@hookimpl
def register_consumers(server):
    return [Consumer("then", handle=server.service("slash").then, kinds=["room"])]


@hookimpl
def filter_message(message, server):
    if message.topic.kind != "room" or message.sender is None:
        return None  # the house says what it likes
    data = server.service("slash").said(message)
    return None if data is message.data else replace(message, data=data)
