"""docs/how-to/source.md: what is done each day is done once on each."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.boards import boards, plugin
from tornado_chat import Topic, hookimpl

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "source.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


async def said(person):
    page = await person.ok("history", topic="board:1")
    return [message["data"] for message in page["messages"]]


async def test_what_is_for_each_day_is_done_once_on_each(chat_server):
    names = {}
    exec(next(each for each in BLOCKS if "each_day" in each), names)

    @hookimpl
    def startup(server):
        async def work(today):
            await server.publish(Topic("SHOP", "board", "1"), {"day": str(today)})

        server.run_once("night", lambda _lease: names["each_day"](server, UTC, work, 0.01))

    async with chat_server(plugins=[boards(), plugin("nightly", startup=startup)]) as chat:
        ann = await chat.connect("ann")
        today = datetime.fromtimestamp(chat.clock(), UTC)
        days = [{"day": str((today + timedelta(days=each)).date())} for each in range(3)]
        for count in (1, 2, 3):
            async with asyncio.timeout(10):
                while await said(ann) != days[:count]:
                    await asyncio.sleep(0.01)
            if count < len(days):
                await chat.clock.move(days=1)
        await ann.ok("subscribe", topic="board:1")
        await ann.quiet()  # while the clock is looked at some twenty times
