"""What `GET ChatMessage` takes for read."""

import asyncio

from support.stores import one_group


async def test_what_came_while_the_page_was_looked_up_is_not_taken_for_read(site, ann, bob):
    """It was not shown, and a replay on /chat leaves out what was read."""
    room = await ann.room_with(bob, name="reading")
    await ann.say(room, "first")
    async with one_group(site.server.store):
        saying = asyncio.create_task(ann.say(room, "second"))
        while not site.server.store.writer._jobs.qsize():
            await asyncio.sleep(0.01)
        reading = asyncio.create_task(bob.history(room))
        while site.server.store.writer._jobs.qsize() < 2:
            await asyncio.sleep(0.01)
    await saying
    assert await reading == ["first"]
    assert (await bob.room(room))["hasRead"] is False
    assert await bob.history(room) == ["first", "second"]
    assert (await bob.room(room))["hasRead"] is True
