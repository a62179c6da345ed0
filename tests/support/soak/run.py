"""The soak itself: who takes part, when the server is killed, and how it ends."""

import asyncio
import contextlib
import signal

from support.process import serving
from support.soak.listeners import ChatListener, NativeListener, NoticeListener
from support.soak.publishers import FramePublisher, NativePublisher, Rest, RestPublisher
from support.soak.verdict import judge
from support.soak.world import ROOMS, WATCHERS, World, until

KILLS = 8  # at least
CATCH_UP = 120  # seconds, at the end
STUCK = 25  # seconds in which nobody gets anything that he misses


def take_part(world):
    """Twenty who publish, and more than twenty who listen."""
    small, plain, bulk = ROOMS
    both = [small, plain]
    listeners = [
        NativeListener(world, "n-small", [small]),
        NativeListener(world, "n-each", [small, plain]),
        NativeListener(world, "n-list", [small, plain], listed=True),
        NativeListener(world, "n-bulk", [bulk, small]),
        NativeListener(world, "n-mine", ["mine"]),
        NativeListener(world, "n-mine-bulk", ["mine"]),
        NativeListener(world, "n-mixed", [plain, "mine"]),
        ChatListener(world, "c-plain"),
        ChatListener(world, "c-bulk"),
        ChatListener(world, "c-again", habit="again"),
        ChatListener(world, "c-hangs", habit="hangs"),
        ChatListener(world, "c-stops", habit="stops"),
        ChatListener(world, "c-slow", habit="slow"),
        ChatListener(world, "c-two-a", person="c-two", pause=0.3),
        ChatListener(world, "c-two-b", person="c-two", pause=0.7),
        NoticeListener(world, "w-plain"),
        NoticeListener(world, "w-named", topics="Orders, Jobs"),
        NoticeListener(world, "w-hangs", habit="hangs"),
        NoticeListener(world, "w-stops", habit="stops"),
        NoticeListener(world, "w-two-a", person="w-two", pause=0.3),
        NoticeListener(world, "w-two-b", person="w-two", pause=0.7),
    ]
    people = {each.person for each in listeners}
    for name in ("n-mine", "w-plain", "w-stops"):
        world.groups[name] = [WATCHERS]
    few = {"n-bulk", "n-mine-bulk", "c-bulk", "c-stops", "c-slow"}
    publishers = [
        *(NativePublisher(world, f"p-native-{n}", both) for n in range(5)),
        NativePublisher(world, "p-burst", [bulk], burst=20, pause=3, pad=30_000),
        *(RestPublisher(world, f"p-rest-{n}", both) for n in range(5)),
        *(FramePublisher(world, f"p-both-{n}", both, both=True) for n in range(3)),
        *(FramePublisher(world, f"p-frame-{n}", both, both=False) for n in range(2)),
        RestPublisher(world, "p-orders", ["Orders"], audience=people, notices={"persistOnSend": True}),
        RestPublisher(world, "p-alerts", ["Alerts"], audience=people, notices={}),
        RestPublisher(
            world, "p-jobs", ["Jobs"], audience=frozenset(world.groups),
            notices={"userGroupId": WATCHERS},
        ),
        RestPublisher(
            world, "p-notes", ["Notes"], audience={"w-plain", "w-two", "n-mixed"},
            notices={"userIds": ["u-w-plain", "u-w-two", "u-n-mixed"]},
        ),
    ]  # fmt: skip
    for room in both:
        world.members[room] = {each.name for each in publishers} | people
    world.members[bulk] = few | {"p-burst"}
    return publishers, listeners


async def soak(folder, *, seconds=60.0, seed, progress=None):
    """The world afterwards: `complaints`, what was found to be wrong, a line each; `summary`.
    `progress(text)`: told every ten seconds."""
    world = World(seed)
    publishers, listeners = take_part(world)
    names = sorted({each.name for each in publishers} | {each.person for each in listeners})
    (folder / "tornado_chat.toml").write_text(world.configuration(names))
    log = []
    tasks = []
    try:
        async with contextlib.AsyncExitStack() as stack:
            server = await start(stack, world, folder, log)
            await prepare(world, listeners, tasks)
            tasks += [asyncio.create_task(each.run(), name=each.name) for each in publishers]
            if progress:
                tasks.append(asyncio.create_task(tell(world, listeners, progress)))
            end = world.now + seconds
            while world.now < end or len(world.kills) < KILLS:
                await moment(world, listeners)
                fallen(tasks)
                world.kills.append(world.now)
                await server.stop(signal.SIGKILL)
                await asyncio.sleep(world.rng.choice((0, 0, 0.3, 1.5)))
                server = await start(stack, world, folder, log)
            await settle(world, publishers, listeners)
            fallen(tasks)
            for each in listeners:
                if hasattr(each, "finish"):
                    await each.finish()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            status = await server.stop()
            if status != 0:
                world.complaints.append(f"the server ended with status {status}")
    finally:
        for task in tasks:
            task.cancel()
    world.complaints += judge(world, publishers, listeners, folder / "tornado_chat.db")
    world.complaints += [f"the server said: {line}" for line in faults(log)]
    return world


async def start(stack, world, folder, log):
    server = await stack.enter_async_context(
        serving(
            "-c", folder / "tornado_chat.toml", "--set", f"server.port={world.port}", cwd=folder
        )
    )
    log.append(server)
    world.starts.append(world.now)
    return server


async def prepare(world, listeners, tasks):
    """Rooms, then everybody listens and is heard of, then they begin to speak."""
    maker = Rest(world, "p-burst", [])
    for room in ROOMS:
        members = [{"user": {"userId": f"u-{name}"}} for name in sorted(world.members[room])]
        body = {"chatRoom": {"chatRoomName": room, "isPrivate": False, "members": members}}
        status, answer = await maker.post("ChatRoom", body)
        assert status == 200, answer
        world.rooms[room] = answer["chatRoom"]["chatRoomId"]
    tasks += [asyncio.create_task(each.run(), name=each.name) for each in listeners]
    for _ in range(60):
        notice = {"topic": "Orders", "message": {"message": "probe"}}
        assert (await Rest(world, "p-orders", []).post("Notification", {"notification": notice}))[0]
        body = {"chatRoom": {"chatRoomId": world.rooms["small"]}, "content": "probe"}
        assert (await Rest(world, "p-burst", []).post("ChatMessage", {"chatMessage": body}))[0]
        if await until(lambda: all(each.ready for each in listeners), 1):
            break
    else:
        raise AssertionError([each.name for each in listeners if not each.ready])
    await asyncio.sleep(1.5)  # remembered topics are on the disk by now
    world.publishing = True


async def moment(world, listeners):
    """Waits until the server is to die: after some seconds, or as soon as the first are back."""
    if len(world.kills) % 4 == 3:
        since, some = world.starts[-1], world.rng.randrange(1, len(listeners) // 2)
        back = lambda: sum(each.connections[-1].opened > since for each in listeners)  # noqa: E731
        await until(lambda: back() >= some, 20, 0.002)
        await asyncio.sleep(world.rng.choice((0, 0.05, 0.3)))
    else:
        await asyncio.sleep(world.rng.uniform(2, 6))


async def settle(world, publishers, listeners):
    """Nobody says anything new; what is under way is answered, and everybody gets what he misses."""
    world.publishing = False
    if not await until(lambda: all(each.done for each in publishers), CATCH_UP):
        waiting = [each.name for each in publishers if not each.done]
        world.complaints.append(f"never answered: {', '.join(waiting)}")
    sure = [said for said in world.said.values() if said.acked is not None]

    def missing():
        return sum(
            each.wants(said) and said.mark not in each.marks for each in listeners for said in sure
        )

    deadline, least, changed = world.now + CATCH_UP, missing(), world.now
    while least and world.now < min(deadline, changed + STUCK):
        await asyncio.sleep(0.5)
        now = missing()
        if now < least:
            least, changed = now, world.now
    await asyncio.sleep(3)


def fallen(tasks):
    """A client of the test that fell over is a fault of the test, or of the server."""
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception():
            raise AssertionError(f"{task.get_name()} fell over") from task.exception()


def faults(servers):
    """Lines that a killed server must not write."""
    for number, server in enumerate(servers):
        for line in server.log.splitlines():
            if "Traceback" in line or " ERROR " in line:
                yield f"start {number}: {line[:300]}"


async def tell(world, listeners, progress):
    while True:
        await asyncio.sleep(10)
        acked = sum(said.acked is not None for said in world.said.values())
        heard = sum(len(each.marks) for each in listeners)
        progress(f"{world.now:.0f} s: {len(world.kills)} kills, {len(world.said)} said, "
                 f"{acked} acknowledged, {heard} heard, {len(world.complaints)} complaints")  # fmt: skip
