"""docs/reference/provider.md has every public method of both providers, as the code has it."""

import re
from pathlib import Path

import pytest

from support.boards import plugin_of
from support.signatures import signature
from tornado_chat import StateProvider, TopicProvider
from tornado_chat.testing import plugin_contract
from tornado_chat.topics import KIND

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "provider.md").read_text()
TOPIC, STATE = PAGE.split("\n## StateProvider\n")
HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def methods(kind):
    return {
        signature(value)
        for name, value in vars(kind).items()
        if callable(value) and not name.startswith("_") and not isinstance(value, type)
    }


def attributes(kind):
    """Those that a subclass sets."""
    named = {name for each in kind.__mro__ for name in getattr(each, "__annotations__", {})}
    return {name for name in named if not name.startswith("_")}


def test_each_method_of_a_topic_provider_has_a_heading_with_its_exact_signature():
    assert set(HEADING.findall(TOPIC)) == methods(TopicProvider)


def test_each_method_of_a_state_provider_has_one_but_what_it_overrides():
    assert set(HEADING.findall(STATE)) == methods(StateProvider) - methods(TopicProvider)


@pytest.mark.parametrize(("text", "kind"), [(TOPIC, TopicProvider), (PAGE, StateProvider)])
def test_each_attribute_is_in_the_table_with_its_default(text, kind):
    rows = {}
    for names, default in re.findall(r"^\| (`.+?) \| .* \| *(.*?) *\|$", text, re.MULTILINE):
        for name, value in zip(re.findall(r"`(\w+)`", names), default.split(", "), strict=False):
            rows.setdefault(name, value.strip("`"))
    assert rows.keys() == attributes(kind)
    for name, default in rows.items():
        if default:
            assert repr(getattr(kind, name)).replace("'", '"') == default, name


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_a_provider(example):
    names = {}
    exec(example, names)
    kinds = [
        each for each in names.values()
        if isinstance(each, type) and issubclass(each, TopicProvider) and each.kind
    ]  # fmt: skip
    for each in kinds:
        assert KIND.fullmatch(each().kind)
        written = {name for name in vars(each) if not name.startswith("_")}
        known = {name for base in (TopicProvider, StateProvider) for name in dir(base)}
        assert written <= known, "what it overrides is there"
    assert kinds or "machines" in example


async def test_what_people_post_on_a_list_changes_its_item(chat_server):
    names = {}
    exec(next(each for each in EXAMPLES if "data_schema = Remark" in each), names)
    plugin = plugin_of(names["Machines"]())
    remark = {"id": "press", "remark": "leaks"}

    async def press(chat):
        await chat.provider("machines").set("SHOP", "press", {"state": "on"})
        return "machines:SHOP"

    async with chat_server(plugins=[plugin]) as chat:
        ann = await chat.connect("ann")
        assert await ann.refused("publish", topic="machines:SHOP", data=remark) == "not_found"
        machines = await ann.watch(await press(chat))
        bob = await chat.connect("bob")
        for _ in range(2):
            await bob.ok("publish", topic="machines:SHOP", data=remark, key="once")
        items = await machines.until(lambda items: "remark" in items["press"])
        assert items["press"] == {"id": "press", "state": "on", "remark": "leaks", "version": 3}
        assert (await ann.push())["data"] == remark, "what is no item is left to be read"
        await ann.quiet()

    await plugin_contract(names["Machines"], press, [remark])
