"""What a subscriber has: a state, to which pushes are applied."""

import copy
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from tornado_chat.state import StateProvider
from tornado_chat.testing.contract.rules import broken
from tornado_chat.topics import TopicProvider

Apply = Callable[..., Any]
Applying = Callable[[Any, Mapping[str, Any]], Any]


def applying(provider: TopicProvider, apply: Apply | None) -> Applying:
    """How a push, given whole, changes the state of a subscriber; what is given stays as it is."""
    if apply is not None:
        whole = len(inspect.signature(apply).parameters) > 2

        def applied(state: Any, push: Mapping[str, Any]) -> Any:
            return apply(copy.deepcopy(state), push["data"], *([push] if whole else []))

        return applied
    if isinstance(provider, StateProvider):
        return lambda state, push: put_item(provider, state, push["data"])
    return lambda state, _push: state


def put_item(provider: StateProvider, state: Any, data: Any) -> Any:
    """As a client of a StateProvider does: the item whole, unless what is there is newer; what is
    no item is a post beside the list."""
    __tracebackhide__ = True
    if provider.item_name not in data:
        return state
    items = by_id(provider, state)
    item = data[provider.item_name]
    if not isinstance(item, dict) or not {provider.id_key, "version"} <= item.keys():
        wanted = f"{provider.item_name!r} with {provider.id_key!r} and 'version'"
        broken("snapshot", f"a push holds {shortened(data)}, not {wanted}; give apply=…")
    known = items.get(item[provider.id_key])
    if known is None or known["version"] <= item["version"]:
        items.pop(item[provider.id_key], None)
        if not item.get("deleted"):
            items[item[provider.id_key]] = item
    return {provider.state_name: list(items.values())}


def by_id(provider: StateProvider, state: Any) -> dict[str, Any]:
    """The items of a state."""
    return {item[provider.id_key]: item for item in state[provider.state_name]}


def same(provider: TopicProvider, one: Any, other: Any) -> bool:
    """Whether two states are; the order of a StateProvider's items is no part of it."""
    if isinstance(provider, StateProvider) and one is not None and other is not None:
        return by_id(provider, one) == by_id(provider, other)
    return bool(one == other)


def difference(one: Any, other: Any, path: str = "state") -> str:
    """The first place where two states differ, and both values there."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        name = next(name for name in one if one[name] != other[name])
        return difference(one[name], other[name], f"{path}.{name}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        place = next(place for place, each in enumerate(one) if each != other[place])
        return difference(one[place], other[place], f"{path}[{place}]")
    return f"{path} is {shortened(one)}, not {shortened(other)}"


def shortened(value: Any) -> str:
    """As much of it as a line can hold."""
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "…"


def is_json(value: Any) -> bool:
    """Whether it comes back from JSON as it went in."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False
