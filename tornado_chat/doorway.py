"""One after another: of the sockets of one key the next is let in once the last is in, or has gone
again. Where the last one stands is not known before, and the next one starts from there.
"""

import asyncio

from tornado_chat.store.cursor_rows import Owner


class Doorway:
    """Those who are being let in, by owner."""

    def __init__(self) -> None:
        self._coming: dict[Owner, list[asyncio.Future[None]]] = {}

    async def turn(self, owner: Owner, seconds: float) -> "asyncio.Future[None]":
        """Waits, at most so long, for those who came before. `passed` must follow."""
        through: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        coming = self._coming.setdefault(owner, [])
        before = list(coming)
        coming.append(through)
        try:
            if before:
                await asyncio.wait(before, timeout=seconds)
        except BaseException:
            self.passed(owner, through)
            raise
        return through

    def passed(self, owner: Owner, through: "asyncio.Future[None] | None") -> None:
        """He is in, or has gone again. May be called again."""
        coming = self._coming.get(owner, [])
        if through is not None and through in coming:
            coming.remove(through)
            through.set_result(None)
        if not coming:
            self._coming.pop(owner, None)
