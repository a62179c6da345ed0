import asyncio
import os
import shutil
from pathlib import Path

import pytest
from tornado_chat import SetupError
from tornado_chat.testing import plugin_contract

WATCH = Path(__file__).parents[1] / "plugins" / "watch.py"
TOPIC = "watch:in"
SECONDS = 20  # for what comes by itself


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


def section(folder, **more):
    watched = {"path": str(folder), "tenant": "SHOP", "seconds": 0.2, **more}
    return {"plugins": {"watch": {"folders": {"in": watched}}}}


def sizes(items):
    return {file["name"]: file["size"] for file in items.values()}


async def screen(chat, name="ann"):
    return await (await chat.connect(name)).watch(TOPIC)


async def shows(screen, **files):
    """Waits until the list is these, by name with their sizes."""
    await screen.until(lambda items: sizes(items) == files, SECONDS)


async def test_files_come_change_and_go(chat_server, folder):
    (folder / "old").write_text("old")
    async with chat_server(plugins=[WATCH], config=section(folder)) as chat:
        ann = await screen(chat)
        await shows(ann, old=3)
        (folder / "new").write_text("new")
        await shows(ann, old=3, new=3)
        (folder / "old").write_text("older")
        await shows(ann, old=5, new=3)
        (folder / "old").rename(folder / "older")
        await shows(ann, older=5, new=3)
        (folder / "new").unlink()
        await shows(ann, older=5)


async def test_after_a_restart_it_is_what_is_there(chat_server, folder, tmp_path):
    for name in ("same", "changes", "goes"):
        (folder / name).write_text(name)
    database = tmp_path / "database"
    database.mkdir()
    config = section(folder)
    async with chat_server(plugins=[WATCH], config=config, folder=database) as chat:
        await shows(await screen(chat), same=4, changes=7, goes=4)
    (folder / "goes").unlink()
    (folder / "changes").write_text("")
    (folder / "comes").write_text("new")
    async with chat_server(plugins=[WATCH], config=config, folder=database) as chat:
        await shows(await screen(chat), same=4, changes=0, comes=3)
        ann = await chat.connect("ann")
        told = (await ann.ok("history", topic=TOPIC))["messages"]
        assert len(told) == 6  # of the same nothing was said again


async def test_a_directory_comes_goes_and_comes_again(chat_server, folder):
    folder.rmdir()
    async with chat_server(plugins=[WATCH], config=section(folder)) as chat:
        chat.logs.expect("watch in: the directory is not there")
        ann = await screen(chat)
        assert ann.items == {}
        folder.mkdir()
        (folder / "a").write_text("")
        await shows(ann, a=0)
        shutil.rmtree(folder)
        await shows(ann)
        folder.mkdir()
        (folder / "b").write_text("")
        await shows(ann, b=0)
        shutil.rmtree(folder)
        folder.write_text("a file")
        await shows(ann)


async def test_another_directory_in_its_place(chat_server, folder):
    async with chat_server(plugins=[WATCH], config=section(folder, seconds=3600)) as chat:
        ann = await screen(chat)
        (folder / "a").write_text("")
        await shows(ann, a=0)
        other = folder.with_name("other")
        other.mkdir()
        (other / "b").write_text("")
        folder.rename(folder.with_name("away"))
        other.rename(folder)
        await shows(ann, b=0)
        (folder / "c").write_text("")
        await shows(ann, b=0, c=0)


async def test_thousands_at_once(chat_server, folder):
    async with chat_server(plugins=[WATCH], config=section(folder, newest=5000)) as chat:
        ann = await screen(chat)
        for number in range(3000):
            (folder / f"{number}").touch()
        await ann.until(lambda items: len(items) == 3000, SECONDS)
        assert (await screen(chat, "bob")).items == ann.items
        chat.logs.expect("watch in: the directory is not there")
        shutil.rmtree(folder)
        await ann.until(lambda items: not items, SECONDS)


async def test_only_the_newest_are_shown(chat_server, folder):
    for number in range(5):
        (folder / f"{number}").touch()
        os.utime(folder / f"{number}", (number, number))
    async with chat_server(plugins=[WATCH], config=section(folder, newest=2)) as chat:
        await shows(await screen(chat), **{"3": 0, "4": 0})
        ann = await screen(chat)
        assert list(sizes(ann.items)) == ["4", "3"]
        (folder / "new").touch()
        await shows(ann, **{"4": 0, "new": 0})


async def test_nothing_that_lies_elsewhere(chat_server, folder, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "deeper").mkdir()
    (folder / "deeper" / "file").touch()
    (folder / ".hidden").touch()
    os.mkfifo(folder / "pipe")
    (folder / "shown").touch()
    async with chat_server(plugins=[WATCH], config=section(folder)) as chat:
        ann = await screen(chat)
        await shows(ann, shown=0)
        (folder / "shown").unlink()
        (folder / "shown").symlink_to(tmp_path / "secret")
        await shows(ann)
        (tmp_path / "secret").write_text("more")
        (folder / "other").touch()
        await shows(ann, other=0)


async def test_odd_files(chat_server, folder):
    long = "\u00e9" * 127
    names = {b"\xff.txt": "\ufffd.txt", long.encode(): long, b"a\nb": "a\nb"}
    for name in names:
        path = os.fsencode(folder) + b"/" + name
        Path(os.fsdecode(path)).touch()
        os.utime(path, (-(10**9), -(10**9)))
    async with chat_server(plugins=[WATCH], config=section(folder)) as chat:
        ann = await screen(chat)
        await shows(ann, **dict.fromkeys(names.values(), 0))
        times = {file["modified"] for file in ann.items.values()}
        assert times == {"1970-01-01T00:00:00.000000+00:00"}


async def test_the_glob(chat_server, folder):
    for name in ("a.pdf", "a.txt", ".a.pdf"):
        (folder / name).touch()
    async with chat_server(plugins=[WATCH], config=section(folder, glob="*.pdf")) as chat:
        await shows(await screen(chat), **{"a.pdf": 0})


@pytest.mark.parametrize(
    ("more", "sees"),
    [
        ({}, {"ann", "admin"}),
        ({"tenant": "OTHER"}, {"zoe"}),
        ({"groups": ["GROWERP_M_EMPLOYEE"]}, {"ann"}),
        ({"permission": "files"}, {"admin"}),
    ],
)
async def test_who_may_see(chat_server, folder, more, sees):
    async with chat_server(plugins=[WATCH], config=section(folder, **more)) as chat:
        for name in ("ann", "admin", "zoe"):
            person = await chat.connect(name)
            reply = await person.do("subscribe", topic=TOPIC)
            assert ("ok" in reply) == (name in sees)
            assert await person.refused("publish", topic=TOPIC, data={}) == "denied"
            assert await person.refused("subscribe", topic="watch:out") == "denied"


async def test_a_path_begins_at_the_configuration(chat_server, tmp_path):
    (tmp_path / "home" / "in").mkdir(parents=True)
    (tmp_path / "home" / "in" / "a").touch()
    config = section("in")
    async with chat_server(plugins=[WATCH], config=config, folder=tmp_path / "home") as chat:
        chat.logs.expect("watch in: the directory is not there")
        home = chat.server.config.folder
        assert chat.provider("watch").folders["in"]["path"] == home / "in"


async def test_a_section_that_cannot_be_meant_stops_the_start(chat_server, folder):
    with pytest.raises(SetupError, match=r"folders\.in\.globb: unknown key"):
        async with chat_server(plugins=[WATCH], config=section(folder, globb="*")):
            pass


async def test_it_keeps_the_contract(folder):
    def put(name, text):
        async def change(chat):
            (folder / name).write_text(text)
            await until(chat, lambda files: files.get(name) == len(text))

        return change

    async def remove(chat):
        (folder / "a").unlink()
        await until(chat, lambda files: "a" not in files)

    async def until(chat, right):
        watch = chat.provider("watch")
        while True:
            items = await watch.server.read(lambda tx: watch.items_in(tx, "in"))
            if right({file["name"]: file["size"] for file in items}):
                return
            await asyncio.sleep(0.01)

    changes = [put("a", "1"), put("b", "2"), put("a", "333"), remove]
    await plugin_contract(WATCH, TOPIC, changes, config=section(folder))
