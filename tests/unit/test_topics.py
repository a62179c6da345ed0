"""Providers by default, and the registry of who owns which kind."""

import pytest
from marshmallow import Schema, fields, validate

from support.boards import owner
from tornado_chat import (
    MEMBERS,
    Audience,
    BadRequest,
    Denied,
    Identity,
    Message,
    NotFound,
    SetupError,
    Topic,
    TopicProvider,
)
from tornado_chat.plugins.providers import Registry
from tornado_chat.topics import first_fault

ANN = Identity("100021", "SHOP", "Ann Maas", groups=frozenset({"STAFF"}))
BOARD = Topic("SHOP", "board", "news")


class Note(Schema):
    content = fields.String(required=True, validate=validate.Length(1, 10))
    level = fields.Integer(load_default=1)
    tags = fields.List(fields.Nested({"name": fields.String(required=True)}))


class Board(TopicProvider):
    kind = "board"
    data_schema = Note


class Published(list):
    """What the house was asked to publish."""

    async def publish(self, topic, data, **how):
        self.append((topic, data, how))


def a(kind):
    provider = TopicProvider()
    provider.kind = kind
    return provider


@pytest.mark.parametrize("action", ["subscribe", "publish", "history"])
async def test_nobody_may_anything_by_default(action):
    assert await TopicProvider().authorize(ANN, action, BOARD) is False


async def test_no_state_by_default():
    assert await TopicProvider().snapshot(ANN, BOARD) is None


def test_a_message_is_visible_to_its_audience_by_default():
    def seen(audience):
        return Board().visible(ANN, Message(1, "e", BOARD, 1, 0, {}, audience))

    assert seen(MEMBERS)
    assert seen(Audience(groups=frozenset({"STAFF"})))
    assert not seen(Audience(users=frozenset({"100022"})))


async def test_receive_loads_with_the_schema():
    data = await Board().receive(ANN, BOARD, {"content": "hello"})
    assert data == {"content": "hello", "level": 1}


async def test_receive_without_a_schema_takes_nothing():
    with pytest.raises(Denied, match="publish board:news: this topic takes no posts"):
        await TopicProvider().receive(ANN, BOARD, {})


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, "content: missing data for required field"),
        ({"content": "far too long"}, "content: length must be between 1 and 10"),
        ({"content": "hello", "colour": "red"}, "colour: unknown field"),
        ({"content": "hello", "x" * 5000: 1}, "x" * 64 + ": unknown field"),
        ({"content": "hello", "tags": [{"name": "a"}, {}]}, "tags.1.name: missing data"),
        ([], "invalid input type"),
        (None, "invalid input type"),
        ("text", "invalid input type"),
    ],
)
async def test_what_cannot_be_received_names_the_field(data, text):
    with pytest.raises(BadRequest) as caught:
        await Board().receive(ANN, BOARD, data)
    assert str(caught.value).startswith(f"publish board:news: {text}")


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ({"a": {"_schema": ["Give one."]}}, "a: give one"),
        ({"a": {0: {"b": ["No."]}}}, "a.0.b: no"),
        (["One.", "Two."], "one"),
        ({}, "{}"),
    ],
)
def test_first_fault(messages, text):
    assert first_fault(messages) == text


async def test_publish_addresses_the_audience_of_the_topic():
    provider = Board()
    provider.server = published = Published()
    named = Audience(users=frozenset({"1"}))
    provider.audience = lambda topic: Audience(everyone=True)
    await provider.publish(BOARD, {"content": "a"})
    said = {"audience": named, "sender": "7", "sender_name": "Ann"}
    await provider.publish(BOARD, {"content": "b"}, **said)
    everyone = {"audience": Audience(everyone=True), "sender": None, "sender_name": None}
    assert published == [(BOARD, {"content": "a"}, everyone), (BOARD, {"content": "b"}, said)]


async def test_a_bare_key_needs_a_tenant():
    class PerTenant(Board):
        def topic(self, key):
            return Topic(key, self.kind, key)

    provider = PerTenant()
    provider.server = published = Published()
    await provider.publish("SHOP", {})
    assert published[0][0] == Topic("SHOP", "board", "SHOP")
    with pytest.raises(ValueError, match="a bare key names no tenant; give a Topic, or override"):
        await Board().publish("news", {})


async def test_a_provider_publishes_only_on_its_own_topics():
    with pytest.raises(ValueError, match="Board does not own room:1"):
        await Board().publish(Topic("SHOP", "room", "1"), {})


def test_the_registry_knows_who_owns_what():
    registry, board, plain = Registry(), Board(), TopicProvider()
    registry.add(board, owner("boards"))
    registry.add(plain, owner("notes"))
    assert registry.of(BOARD).provider is board
    assert registry.of(Topic("SHOP", "", "OrderUpdate")).provider is plain
    assert registry.kinds() == {"board": "boards", "": "notes"}
    assert [each.provider for each in registry] == [board, plain]
    assert len(registry) == 2


def test_a_kind_that_nobody_owns_is_not_there():
    with pytest.raises(NotFound, match="topic board:news: not there"):
        Registry().of(BOARD)


@pytest.mark.parametrize(("kind", "what"), [("board", "kind 'board'"), ("", "the plain topics")])
def test_a_kind_claimed_twice_names_both(kind, what):
    registry = Registry()
    registry.add(a(kind), owner("one"))
    with pytest.raises(SetupError, match=rf"plugins 'one' and 'two' both claim .*{what}"):
        registry.add(a(kind), owner("two"))


@pytest.mark.parametrize("kind", ["Board", "my-board", "a:b", "1st", "a" * 33, " "])
def test_what_is_no_kind_is_refused(kind):
    with pytest.raises(SetupError, match=r"plugin 'one': .* is no kind of topic"):
        Registry().add(a(kind), owner("one"))


def test_what_is_no_provider_is_refused():
    with pytest.raises(SetupError, match="plugin 'one': register_topics gave 'board'"):
        Registry().add("board", owner("one"))
