"""What tests of proofs and replays ask of a running server: its timers at once, and its rows."""

import asyncio
import contextlib

from support.growerp import FrontEnd, until
from tornado_chat.store.models import CursorRow


async def proved(site):
    """Every socket of a face has answered for all that was said."""
    server = site.server
    await until(lambda: server.hub.accepted == server.hub.mark and not server.hub._waiting)
    await asyncio.sleep(0)  # what was put is written
    server.heartbeat.tick()
    await until(lambda: all(done(server, session) for session in faces(site)))
    await stored(site)


def done(server, session):
    server.heartbeat.ask(session)
    return session.cursor.position >= server.hub.mark


def faces(site):
    return [session for session in site.server.hub.all_sessions() if session.cursor is not None]


async def stored(site):
    """What is known now is in the database."""
    site.server.cursors._behind.flush_now()
    await site.server.write(lambda tx: None)


async def rows(site, path="/chat", user="u-ann"):
    """(state, position) of somebody's rows, lowest first."""
    await stored(site)

    def work(_tx):
        query = CursorRow.select().where(CursorRow.path == path, CursorRow.user_id == user)
        return [(row.state, row.position) for row in query.order_by(CursorRow.position)]

    return await site.server.read(work)


async def gone(site, count=0, name="ann"):
    """So many sockets of that person are left."""
    await until(lambda: len(site.server.hub.sessions("SHOP", f"u-{name}")) == count)


async def drop(socket):
    """The connection is gone, without a word of WebSocket."""
    socket.socket.transport.abort()
    await socket.socket.wait_closed()


async def another(site, name):
    """A front-end of the same person with a key of its own."""
    return FrontEnd(site, name, key=await site.server.accounts.issue_key(f"u-{name}"))


async def texts(socket, seconds=0.3):
    """What comes until nothing comes for a while."""
    found = []
    with contextlib.suppress(TimeoutError):
        while True:
            frame = await socket.next(seconds)
            found.append(frame["content"] if "content" in frame else frame["message"]["message"])
    return found
