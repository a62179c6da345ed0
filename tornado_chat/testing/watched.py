"""A list as it stands on somebody's screen."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado_chat.testing.socket import SECONDS

if TYPE_CHECKING:
    from tornado_chat.testing.native import Frame, Native

Items = dict[str, dict[str, Any]]


class Watched:
    """The state of a `StateProvider` with the pushes applied, as a front-end keeps it. `items`: by
    their ids, each as it came last; `topic`: whose they are."""

    items: Items
    topic: str

    def __init__(self, person: "Native", topic: str, state: dict[str, Any], id_key: str) -> None:
        self.topic = topic
        self._person = person
        self._id_key = id_key
        (items,) = state.values()
        self.items = {item[id_key]: item for item in items}

    async def until(self, right: Callable[[Items], object], seconds: float = SECONDS) -> Items:
        """Takes pushes until `right(items)` is true, and gives the items. What else comes is kept
        for the person's `next`. AssertionError that shows the items where nothing came for so long."""
        others: list[Frame] = []
        try:
            while not right(self.items):
                frame = await self._person.next(seconds)
                if not self._put(frame.get("push")):
                    others.append(frame)
        except AssertionError as error:
            shown = list(self.items.values())
            raise AssertionError(f"{self.topic}: {error}; it shows {shown}") from None
        finally:
            self._person.pushed[:0] = others
        return self.items

    def _put(self, push: "Frame | None") -> bool:
        """Whether it is an item of the list; what else is pushed there, as what people post, is not."""
        if not push or push["topic"] != self.topic or len(push["data"]) != 1:
            return False
        (item,) = push["data"].values()
        if not isinstance(item, dict) or self._id_key not in item:
            return False
        if item.get("deleted"):
            self.items.pop(item[self._id_key], None)
        else:
            self.items[item[self._id_key]] = item
        return True
