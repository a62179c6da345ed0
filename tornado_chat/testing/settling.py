"""Waits until what a server does afterwards, beside all answers, is done."""

import asyncio

from tornado_chat.app import Server
from tornado_chat.store import Tx

LOOK_SECONDS = 0.002


async def settle(server: Server, seconds: float) -> None:
    """AssertionError that says what is not done after so long."""
    waiting: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            last = -1
            while (head := await server.store.write(head_of)) != last or waiting:
                last = head
                waiting = await look(server, head)
                await asyncio.sleep(LOOK_SECONDS if waiting else 0)
    except TimeoutError:
        raise AssertionError(
            f"not settled after {seconds:g} s: {', '.join(waiting) or 'the store does not answer'}"
        ) from None


def head_of(tx: Tx) -> int:
    """The last offset, once all is committed that was handed in before."""
    return tx.head


async def look(server: Server, head: int) -> list[str]:
    """What is not done yet."""
    await server.cursors.stop()  # writes what waits, and goes on
    waiting = [f"consumer {name}" for name in server.consumers.behind(head)]
    waiting += [f"observers of {name}" for name in server.plugins.observers.busy()]
    if server.hub.mark < head:
        waiting.append("messages that are handed out")
    return waiting
