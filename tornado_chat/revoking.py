"""Ending what somebody may no longer have: his sessions, or his subscriptions of a topic."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tornado_chat.errors import GOING_AWAY, REVOKED, Denied
from tornado_chat.hub import Hub
from tornado_chat.messages import Topic
from tornado_chat.session import Session


class Revoking:
    """Orders travel by the engine, so that every process carries them out."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @staticmethod
    def order(
        user: str | None, key: str | None, topic: Topic | None, tenant: str | None
    ) -> Mapping[str, Any]:
        """At least one of them; they narrow one another."""
        if user is None and key is None and topic is None and tenant is None:
            raise ValueError("revoke: name a user, a key, a topic or a tenant")
        return {"revoke": {"user": user, "key": key, "topic": topic, "tenant": tenant}}

    def come_again(self, users: Collection[str]) -> None:
        """Who is somebody else by now, in name, groups or permissions, is so on his next socket."""
        for session in self._hub.all_sessions():
            if session.identity.user_id in users:
                session.close(GOING_AWAY, "your account has changed")

    def on_tell(self, _user: str, what: Mapping[str, Any]) -> None:
        """From the engine."""
        order = what.get("revoke")
        if order is None:
            return
        topic = Topic(*order["topic"]) if order["topic"] else None
        if topic is not None:
            self._read_again(topic, order["user"])
        for session in self._sessions(topic, order):
            if topic is None:
                session.close(REVOKED, "ended by the house")
            elif self._hub.unsubscribe(session, topic):
                session.dialect.ended(
                    session, topic, Denied(f"subscription {topic.name}: has ended")
                )

    def _read_again(self, topic: Topic, user: str | None) -> None:
        """What was read for those who get all that is theirs, and waits for room, is read again."""
        hub = self._hub
        for session in hub.all_sessions() if user is None else hub.sessions(topic.tenant, user):
            mine = session.subscriptions.get(None)
            if mine is not None:
                mine.stale = True

    def _sessions(self, topic: Topic | None, order: Mapping[str, Any]) -> Iterable[Session]:
        everybody = self._hub.subscribers(topic) if topic else self._hub.all_sessions()
        for session in everybody:
            identity = session.identity
            if (
                order["user"] in {None, identity.user_id}
                and order["key"] in {None, identity.key}
                and order["tenant"] in {None, identity.tenant}
            ):
                yield session
