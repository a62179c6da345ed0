"""The open sockets of the company."""

import time
from typing import Any

from tornado_chat.errors import REVOKED, NotFound
from tornado_chat.protocol import iso
from tornado_chat.session import Session
from tornado_chat.web.admin.door import Door
from tornado_chat.web.admin.shapes import ListSessions, SessionPage
from tornado_chat.web.api import Done, describe


class SessionList(Door):
    @describe("Lists open sockets", query=ListSessions, answer=SessionPage)
    def get(self) -> None:
        wanted, hub = self.query(), self.server.hub
        start, user_id = wanted["start"], wanted["user_id"]
        if user_id is None:
            found = hub.of_tenant(self.tenant)
        else:
            found = hub.sessions(self.tenant, user_id)[::-1]
        end = start + wanted["limit"]
        shown = [self.body_of(session) for session in found[start:end]]
        self.answer({"sessions": shown, "more": len(found) > end, "count": len(found)})

    def body_of(self, session: Session) -> dict[str, Any]:
        open_for = time.monotonic() - session.opened_at
        return {
            "id": str(session.id),
            "user_id": session.identity.user_id,
            "name": session.identity.name,
            "dialect": getattr(session.dialect, "path", ""),
            "since": iso(int((self.server.now() - open_for) * 1000)),
            "address": session.address,
            "subscriptions": len(session.subscriptions),
            "behind": session.behind() is not None,
            "waiting_bytes": session.outbox.size,
        }


class OneSession(Door):
    @describe("Ends a socket; its key stays good", answer=Done, errors=("not_found",))
    def delete(self, session_id: str) -> None:
        for session in self.server.hub.of_tenant(self.tenant):
            if str(session.id) == session_id:
                session.close(REVOKED, "ended by an admin")
                self.note(f"session {session.id} of {session.identity.user_id} ended")
                self.answer({})
                return
        raise NotFound(f"session {session_id[:64]}: not there")
