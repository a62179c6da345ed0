"""The topics of the company: those that the store knows."""

from typing import Any

from peewee import JOIN

from tornado_chat.messages import Topic
from tornado_chat.protocol import iso
from tornado_chat.store.models import MessageRow, TopicRow
from tornado_chat.web.admin.door import Door
from tornado_chat.web.admin.shapes import SearchedPage, TopicPage
from tornado_chat.web.api import describe


class TopicList(Door):
    @describe("Lists topics", query=SearchedPage, answer=TopicPage)
    async def get(self) -> None:
        """Those that somebody has published on; the newest activity first."""
        wanted, tenant = self.query(), self.tenant
        text, start, limit = wanted["search"], wanted["start"], wanted["limit"]
        rows = await self.server.store.read(lambda: select(tenant, text, start, limit + 1))
        shown = [self.body_of(*row) for row in rows[:limit]]
        self.answer({"topics": shown, "more": len(rows) > limit})

    def body_of(self, kind: str, key: str, count: int, at: int | None) -> dict[str, Any]:
        topic = Topic(self.tenant, kind, key)
        return {
            "topic": topic.name,
            "kind": kind,
            "listeners": self.server.hub.hearers(topic),
            "messages": count,
            "last_at": None if at is None else iso(at),
        }


def select(
    tenant: str, text: str, start: int, limit: int
) -> list[tuple[str, str, int, int | None]]:
    """Kind, key, count and time of the newest message; in a reader's thread, one query."""
    query = (
        TopicRow.select(TopicRow.kind, TopicRow.key, TopicRow.count, MessageRow.at)
        .join(MessageRow, JOIN.LEFT_OUTER, on=(MessageRow.offset == TopicRow.last_offset))
        .where(TopicRow.tenant == tenant)
        .order_by(TopicRow.last_offset.desc(), TopicRow.id)
        .offset(start)
        .limit(limit)
    )
    text = "".join(filter(str.isprintable, text)).strip()
    kind, colon, key = text.partition(":")
    if colon:
        query = query.where(TopicRow.kind == kind, TopicRow.key.contains(key))
    elif text:
        query = query.where(TopicRow.kind.contains(text) | TopicRow.key.contains(text))
    found: Any = query.tuples()
    return list(found)
