"""The contract of providers: some that keep it, and for each rule some that break it."""

import asyncio
import time
from collections import defaultdict
from datetime import UTC, datetime

import pytest

from support.boards import Board, Typing, boards
from tornado_chat import Audience, BadRequest, StateProvider, Topic, TopicProvider, Unavailable
from tornado_chat.testing import RULES, plugin_contract
from tornado_chat.testing.contract import case

NOTES = [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}, {"id": "a", "text": "three"}]


class Wall(TopicProvider):
    """`wall:KEY`, whose state is the newest text of each id. Keeps every rule; each class below
    breaks one."""

    kind = "wall"

    def __init__(self):
        self.notes = defaultdict(dict)

    async def start(self):
        for message in await self.server.store.everything_after(0, 1000):
            self.put(message.topic, message.data)

    def place(self, topic):
        return topic

    def put(self, topic, data):
        self.notes[self.place(topic)][data["id"]] = data["text"]

    async def authorize(self, identity, action, topic):
        return action in {"subscribe", "publish", "history"}

    async def receive(self, identity, topic, data):
        if set(data) != {"id", "text"} or not all(isinstance(each, str) for each in data.values()):
            raise BadRequest("id, text: texts")
        return dict(data)

    async def snapshot(self, identity, topic):
        return {"notes": dict(self.notes[self.place(topic)])}

    def append_in(self, tx, draft):
        posted = tx.append(draft)
        if not posted.duplicate:
            tx.defer(lambda: self.put(draft.topic, draft.data))
        return posted


def pinned(state, data):
    return {"notes": {**state["notes"], data["id"]: data["text"]}}


class Machines(StateProvider):
    """`machines:KEY`: nobody posts there."""

    kind = "machines"
    item_name = "machine"
    state_name = "machines"

    async def authorize(self, identity, action, topic):
        return action != "publish"


def machine(name, state):
    async def change(chat):
        provider, topic = chat.provider("machines"), Topic("SHOP", "machines", "1")
        if state is None:
            await provider.delete(topic, name)
        else:
            await provider.set(topic, name, {"state": state})

    return change


MACHINES = [
    machine("press", "on"),
    machine("saw", "on"),
    machine("press", "off"),
    machine("saw", None),
]


async def test_who_keeps_every_rule_passes():
    await plugin_contract(Wall, "wall:1", NOTES, pinned)
    await plugin_contract(Wall(), "wall:1", NOTES, pinned, who="bob")


async def test_a_long_story_is_read_in_pages():
    many = [{"id": str(number), "text": "one of many"} for number in range(120)]

    async def post_all(chat):
        async with chat.connect("bob") as bob:
            for data in many:
                await bob.ok("publish", topic="wall:1", data=data)

    await plugin_contract(Wall, "wall:1", [post_all, *NOTES], pinned)


async def test_a_state_provider_needs_no_apply():
    await plugin_contract(Machines, "machines:1", MACHINES)


async def test_the_boards_of_these_tests_pass():
    await plugin_contract(boards(), "board:1", [{"n": 1}, {"n": 2}])
    await plugin_contract(boards(), "typing:1", [{"n": 1}])
    await plugin_contract(Board, "board:1")
    await plugin_contract(Typing, "typing:1", [{"n": 1}])


BROKEN = defaultdict(list)


def breaks(rule):
    def note(provider):
        BROKEN[rule].append(provider)
        return provider

    return note


@breaks("authorize")
class KeysAreNumbers(Wall):
    async def authorize(self, identity, action, topic):
        return int(topic.key) > 0


@breaks("authorize")
class ActionsAreKnown(Wall):
    async def authorize(self, identity, action, topic):
        return {"subscribe": True, "publish": True, "history": True}[action]


@breaks("authorize")
class SaysNothing(Wall):
    async def authorize(self, identity, action, topic):
        return identity.groups or None


@breaks("authorize")
class FailsForStrangers(Wall):
    async def authorize(self, identity, action, topic):
        return {"SHOP": True}[identity.tenant]


@breaks("authorize")
class NeverAnswers(Wall):
    async def authorize(self, identity, action, topic):
        await asyncio.sleep(60)


@breaks("authorize")
class LetsNobodyIn(Wall):
    async def authorize(self, identity, action, topic):
        return False


@breaks("receive")
class TrustsFields(Wall):
    async def receive(self, identity, topic, data):
        return {"id": data["id"], "text": data["text"]}


@breaks("receive")
class TrustsTypes(Wall):
    async def receive(self, identity, topic, data):
        if "text" not in data or "id" not in data:
            raise BadRequest("text, id: missing")
        return {"id": str(data["id"]), "text": data["text"].strip()}


@breaks("receive")
class IsUnavailable(Wall):
    async def receive(self, identity, topic, data):
        if "unknown" in data:
            raise Unavailable("the shop does not answer")
        return await super().receive(identity, topic, data)


@breaks("receive")
class GivesNothing(Wall):
    async def receive(self, identity, topic, data):
        await super().receive(identity, topic, data)


@breaks("receive")
class RefusesAll(Wall):
    async def receive(self, identity, topic, data):
        raise BadRequest("never good enough")


@breaks("json")
class HasDates(Wall):
    async def receive(self, identity, topic, data):
        return {**await super().receive(identity, topic, data), "at": datetime.now(UTC)}


@breaks("json")
class HasSets(Wall):
    async def snapshot(self, identity, topic):
        return set(self.notes[topic])


@breaks("json")
class HasNumbersForKeys(Wall):
    async def snapshot(self, identity, topic):
        return {1: 2}


@breaks("argument")
class TakesApart(Wall):
    async def receive(self, identity, topic, data):
        if set(data) == {"id", "text"} and isinstance(data["id"], str) and data["id"]:
            return {"id": data.pop("id"), "text": str(data.pop("text"))}
        return await super().receive(identity, topic, data)


@breaks("copy")
class GivesItsOwn(Wall):
    async def start(self):
        self.notes[Topic("SHOP", "wall", "1")]["first"] = "there"

    async def snapshot(self, identity, topic):
        return {"notes": self.notes[topic]}


@breaks("copy")
class GivesAnother(Wall):
    count = 0

    async def snapshot(self, identity, topic):
        self.count += 1
        return {"asked": self.count}


@breaks("audience")
class NamesAGroup(Wall):
    def audience(self, topic):
        return "GROWERP_M_ADMIN"


@breaks("visible")
class LooksAtMembers(Wall):
    async def snapshot(self, identity, topic):
        return None

    async def authorize(self, identity, action, topic):
        return action in {"subscribe", "publish"}

    def visible(self, identity, message):
        return None if message.members is None else True


@breaks("seen")
class CountsBack(Wall):
    async def seen(self, identity, topic, offset):
        return {0: 0}[offset]


@breaks("push")
class IsForNobody(Wall):
    def audience(self, topic):
        return Audience()


@breaks("snapshot")
class Counts(Wall):
    """What is counted is in no push."""

    async def snapshot(self, identity, topic):
        head = await self.server.store.head()
        return {**await super().snapshot(identity, topic), "count": head}


@breaks("snapshot")
class Forgets(Wall):
    def put(self, topic, data):
        pass


@breaks("twice")
class Adds(Wall):
    """A push says what to add, not what there is now."""

    def put(self, topic, data):
        self.notes[topic].setdefault("all", "")
        self.notes[topic]["all"] += data["text"]


@breaks("effect")
class CountsInReceive(Wall):
    async def receive(self, identity, topic, data):
        received = await super().receive(identity, topic, data)
        count = self.notes[topic].get("count", 0)
        self.notes[topic]["count"] = count + 1
        return received


@breaks("retry")
class CountsRepetitions(Wall):
    def append_in(self, tx, draft):
        notes = self.notes[draft.topic]
        tx.defer(lambda: notes.update(count=notes.get("count", 0) + 1))
        return super().append_in(tx, draft)


@breaks("at once")
class ReadsThenWrites(Wall):
    """What others write between the two is lost."""

    def append_in(self, tx, draft):
        topic, data = draft.topic, draft.data
        notes = {**self.notes[topic], data["id"]: data["text"]}
        time.sleep(0.02)
        tx.defer(lambda: self.notes.update({topic: notes}))
        return tx.append(draft)


@breaks("resume")
class HidesTheLog(Wall):
    """Whoever comes back is shown nothing of what he missed."""

    def visible(self, identity, message):
        return message.members is not None


@breaks("history")
class HidesTheLogWithoutAState(Wall):
    async def snapshot(self, identity, topic):
        return None

    def visible(self, identity, message):
        return message.members is not None


@breaks("signals")
class IsAState(Wall):
    history = 0

    async def receive(self, identity, topic, data):
        received = await super().receive(identity, topic, data)
        self.put(topic, received)
        return received


@breaks("tenant")
class KnowsKeysOnly(Wall):
    def place(self, topic):
        return topic.key


@breaks("restart")
class BeginsEmpty(Wall):
    async def start(self):
        pass


def added(state, data):
    return {"notes": {"all": state["notes"].get("all", "") + data["text"]}}


def kept(state, data):
    return state


class ShowsLess(Machines):
    """What is pushed has no version: of two, nobody knows which is newer."""

    def _publish(self, tx, topic, item):
        item.pop("version")
        return tx.publish(topic, {"machine": item})


class HidesSome(Machines):
    """Its snapshot leaves out what is off, its pushes do not say so."""

    async def snapshot(self, identity, topic):
        found = await super().snapshot(identity, topic)
        return {"machines": [each for each in found["machines"] if each["state"] == "on"]}


@pytest.mark.parametrize("provider", [ShowsLess, HidesSome])
async def test_who_breaks_what_a_state_provider_promises(provider):
    with pytest.raises(AssertionError, match=r"^rule 'snapshot': "):
        await plugin_contract(provider, "machines:1", MACHINES)


CASES = [(rule, provider) for rule, providers in BROKEN.items() for provider in providers]


@pytest.mark.parametrize(
    ("rule", "provider"), CASES, ids=lambda each: getattr(each, "__name__", each)
)
async def test_who_breaks_a_rule_is_told_which(rule, provider, logs, monkeypatch):
    logs.expect("plugin 'contract'")
    monkeypatch.setattr(case, "SECONDS", 0.2)
    apply = {Adds: added, LooksAtMembers: kept, HidesTheLogWithoutAState: kept}.get(
        provider, pinned
    )
    with pytest.raises(AssertionError) as caught:
        await plugin_contract(provider, "wall:1", NOTES, apply)
    assert str(caught.value).startswith(f"rule {rule!r}: "), str(caught.value)
    assert RULES[rule] in str(caught.value)


def test_every_rule_is_broken_by_somebody():
    assert set(BROKEN) == set(RULES)
