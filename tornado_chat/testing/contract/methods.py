"""The methods of a provider, asked one by one, with what a server or a stranger may come up with."""

import copy
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tornado_chat.errors import ChatError
from tornado_chat.messages import Audience, Topic
from tornado_chat.store.members import Read
from tornado_chat.testing.contract.case import Case
from tornado_chat.testing.contract.rules import broken, expect
from tornado_chat.testing.contract.states import difference, is_json, same, shortened

ODD_KEYS = ["0", "-1", "ключ", "'; --", "../..", "%00", "a:b:c", "99999999999999999999", "x" * 100]
ODD_VALUES: list[Any] = [
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "\x00",
    "x" * 10_000,
    [],
    [None],
    {},
    {"": {}},
]
ODD_DATA: list[dict[str, Any]] = [{}, {"": None}, {"id": {}}, {"unknown": [{"a": None}]}]


async def check_methods(case: Case) -> None:
    """Snapshots before `receive`, which is judged by them."""
    __tracebackhide__ = True
    await check_authorize(case)
    await check_snapshot(case)
    await check_receive(case)
    audience = case.provider.audience(case.topic)
    expect("audience", isinstance(audience, Audience), f"audience gave {audience!r}")


async def check_authorize(case: Case) -> None:
    """Everybody, every action, many keys."""
    __tracebackhide__ = True
    own = case.topic
    topics = [own, *(Topic(own.tenant, own.kind, key) for key in ODD_KEYS)]
    for name, identity in case.people.items():
        for topic in topics:
            for action in ("subscribe", "publish", "history", "destroy"):
                what = f"authorize({name}, {action!r}, {topic.name})"
                await ask_authorize(case, what, identity, action, topic)
    stranger = await case.chat.identity(case.stranger)
    elsewhere = Topic(stranger.tenant or "", own.kind, own.key)
    what = f"authorize({case.stranger}, 'subscribe', {own.name})"
    await ask_authorize(case, what, stranger, "subscribe", elsewhere)
    if not await case.may(case.who, "subscribe"):
        broken("authorize", f"{case.who} may not subscribe {own.name}: name somebody by who=…")


async def ask_authorize(case: Case, what: str, identity: Any, action: Any, topic: Topic) -> None:
    """An answer is True, False, or an error of the house."""
    __tracebackhide__ = True
    asked = partial(case.provider.authorize, identity, action, topic)
    answer = await case.ask("authorize", what, asked)
    expect("authorize", isinstance(answer, (bool, ChatError)), f"{what} answered {answer!r}")


async def check_receive(case: Case) -> None:
    """The given posts, and what is odd about them; by somebody who may post."""
    __tracebackhide__ = True
    if not await case.may(case.who, "publish"):
        return
    identity, topic, receive = case.people[case.who], case.topic, case.provider.receive
    before = copy.deepcopy(await case.provider.snapshot(identity, topic))
    for data in [*case.posts, *odd(case.posts)]:
        given = copy.deepcopy(dict(data))
        what = f"receive({shortened(data)})"
        answer = await case.ask("receive", what, partial(receive, identity, topic, given))
        if isinstance(answer, ChatError):
            if data in case.posts:
                broken("receive", f"{what} refused a change: {answer.message}")
            continue
        expect("receive", isinstance(answer, dict), f"{what} answered {answer!r}, expected a dict")
        expect("json", is_json(answer), f"{what} answered {shortened(answer)}")
        expect("argument", given == data, f"{what} made of its argument {shortened(given)}")
    after = await case.provider.snapshot(identity, topic)
    if case.provider.history != 0 and not same(case.provider, before, after):
        broken("effect", f"after calls of receive alone the {difference(after, before)}")


def odd(posts: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Data that nobody would post on purpose: each field of a post missing, or something else."""
    yield from copy.deepcopy(ODD_DATA)
    for post in posts[:3]:
        yield {**post, "unknown": 1}
        for field in post:
            yield {name: value for name, value in post.items() if name != field}
            for value in ODD_VALUES:
                yield {**post, field: copy.deepcopy(value)}


async def check_snapshot(case: Case) -> None:
    """For everybody who may subscribe."""
    __tracebackhide__ = True
    for name, identity in case.people.items():
        if not await case.may(name, "subscribe"):
            continue
        what = f"snapshot({name}, {case.topic.name})"
        snapshot = partial(case.provider.snapshot, identity, case.topic)
        first = await case.ask("json", what, snapshot)
        expect("json", is_json(first), f"{what} gave {shortened(first)}")
        kept = copy.deepcopy(first)
        spoil(first)
        again = await case.ask("copy", what, snapshot)
        expect("copy", again == kept, f"{what} gave {shortened(kept)}, then {shortened(again)}")


def spoil(value: Any) -> None:
    """Empties whatever can be, from inside out."""
    if isinstance(value, dict):
        for each in value.values():
            spoil(each)
        value.clear()
    elif isinstance(value, list):
        for each in value:
            spoil(each)
        value.clear()


async def check_messages(case: Case) -> None:
    """`visible` and `seen`, of what is in the log."""
    __tracebackhide__ = True
    server, provider = case.chat.server, case.provider
    messages, _more = await server.store.page(case.topic, before=None, after=None, limit=50)
    for name, identity in case.people.items():
        for message in messages:
            answer = provider.visible(identity, message)
            what = f"visible({name}, message {message.offset})"
            expect("visible", isinstance(answer, bool), f"{what} answered {answer!r}")
        for offset in (0, server.hub.mark, 10**15):
            what = f"seen({name}, {offset})"
            asked = partial(provider.seen, identity, case.topic, offset)
            answer = await case.ask("seen", what, asked)
            expect("seen", isinstance(answer, (Read, ChatError)), f"{what} answered {answer!r}")
