"""The topics of /notws are remembered: per key, else the newest of the person (rule 7)."""

import asyncio

import pytest
from tornado_chat_plugins.growerp import remembered
from tornado_chat_plugins.growerp.remembered import ListeningRow, Remembered

from support.growerp import FrontEnd, until
from support.proofs import another, drop, faces, gone
from support.server import running_server
from tornado_chat import Identity

TABLES = {"plugins": {"disabled": ["order_list"]}}


def service(site):
    return site.server.service("growerp.remembered")


def who(user_id="u-ann", key="k1", tenant="SHOP"):
    return Identity(user_id, tenant, user_id, key=key)


async def names(site):
    """What the only socket listens to."""
    await until(lambda: len(faces(site)) == 1)
    return faces(site)[0].state.names


async def say(site, notes, *commands):
    """Each is read."""
    for command in commands:
        await notes.send(command)
    await until(lambda: not site.server.hub.sessions("SHOP", "u-ann") or read(site, len(commands)))


def read(site, count):
    handlers = site.server.sockets.handlers
    return all(each.inbox.frames_in >= count and not each.inbox._worker for each in handlers)


async def heard(site, who, *commands):
    """What a socket listens to that opens, says this, and drops."""
    async with who.notws() as notes:
        found = await names(site)
        await say(site, notes, *commands)
        if commands:
            found = await names(site)
        await drop(notes)
    await gone(site)
    return found


async def test_per_key_and_the_newest_of_the_person(site, ann):
    second, third = await another(site, "ann"), await another(site, "ann")
    assert await heard(site, ann, "subscribe: a") == {"a"}
    assert await heard(site, second) == {"a"}
    assert await heard(site, second, "subscribe: b, c") == {"b", "c"}
    assert await heard(site, ann) == {"a"}
    assert await heard(site, third) == {"b", "c"}
    assert await heard(site, ann, "subscribe: d") == {"d"}
    assert await heard(site, third) == {"d"}
    assert await heard(site, second) == {"b", "c"}


async def test_nobody_has_another_persons(site, ann, bob, zoe):
    await heard(site, ann, "subscribe: a")
    async with bob.notws(), zoe.notws():
        await until(lambda: len(faces(site)) == 2)
        assert [session.state.names for session in faces(site)] == [set(), set()]


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["subscribe: b"], {"b"}),
        (["subscribe: b", "subscribe: c"], {"b", "c"}),
        (["subscribe:"], set()),
        (["unsubscribe: a"], {"x"}),
        (["unsubscribe: a", "subscribe: b"], {"x", "b"}),
        (["anything", "subscribe: b"], {"b"}),
        (["subscribe: b", "unsubscribe: b"], set()),
    ],
)
async def test_the_first_command_if_it_is_subscribe_replaces_later_ones_change(
    site, ann, commands, expected
):
    await heard(site, ann, "subscribe: a, x")
    assert await heard(site, ann, *commands) == expected
    assert await heard(site, ann) == expected


async def test_two_hundred_names_at_most(site, ann):
    await heard(site, ann, "subscribe: " + ",".join(map(str, range(150))))
    more = ",".join(map(str, range(150, 400)))
    async with ann.notws() as notes:
        await say(site, notes, f"subscribe: {'x' * 129}, {'y' * 128}", f"subscribe: {more}")
        found = await names(site)
    assert len(found) == 200
    assert "y" * 128 in found
    await gone(site)
    assert await heard(site, ann) == found


async def test_names_with_odd_characters_come_back_as_they_were(site, ann):
    odd = {"a b", "ü🎉", 'quote"', "line\nbreak", "back\\slash", "null"}
    assert await heard(site, ann, "subscribe: " + ",".join(odd)) == odd
    await service(site).flush()
    assert await heard(site, ann) == odd


async def test_it_survives_a_restart(tmp_path):
    async with running_server(TABLES, folder=tmp_path) as site:
        ann = FrontEnd(site, "ann")
        await heard(site, ann, "subscribe: a", "subscribe: b")
        second = await another(site, "ann")
        await heard(site, second, "subscribe: c")
    async with running_server(TABLES, folder=tmp_path) as site:
        assert await heard(site, FrontEnd(site, "ann")) == {"a", "b"}
        assert await heard(site, FrontEnd(site, "ann", key=second.key)) == {"c"}
        assert await heard(site, await another(site, "ann")) == {"c"}


async def rows(site):
    def work(_tx):
        return [(row.key, row.names) for row in ListeningRow.select().order_by(ListeningRow.at)]

    return await site.server.read(work)


async def test_the_first_change_is_written_at_once_and_others_not_so_often(site, monkeypatch):
    writes = []
    write_sets = remembered.write_sets
    monkeypatch.setattr(
        remembered, "write_sets", lambda tx, sets: (writes.append(dict(sets)), write_sets(tx, sets))
    )
    for n in range(50):
        service(site).keep(who(), frozenset({str(n)}))
        await asyncio.sleep(0.002)
    async with asyncio.timeout(10):
        while not await rows(site):
            await asyncio.sleep(0.01)
    assert len(writes) == 1
    await until(lambda: len(writes) == 2)
    assert writes[1] == {("SHOP", "u-ann", "k1"): {"49"}}
    async with asyncio.timeout(10):
        while await rows(site) != [("k1", '["49"]')]:
            await asyncio.sleep(0.01)


async def test_a_set_that_waits_is_the_one_that_counts(site, monkeypatch):
    mine = Remembered(site.server)
    monkeypatch.setattr(remembered, "PAUSE_SECONDS", 60)
    mine.keep(who(), frozenset({"a"}))
    await mine.flush()
    mine.keep(who(), frozenset({"b"}))
    mine.keep(who(key="k2"), frozenset({"c"}))
    assert await mine.of(who()) == {"b"}
    assert await mine.of(who(key="k9")) == {"c"}
    mine.keep(who(), frozenset())
    assert await mine.of(who(key="k9")) == set()
    assert await mine.of(who(tenant="OTHER")) == set()
    assert await mine.of(who(key=None)) == set()


async def test_what_cannot_be_written_is_written_later(tmp_path, monkeypatch, logs):
    """Whatever the error is."""
    logs.expect("what is listened to cannot be written")
    monkeypatch.setattr(remembered, "PAUSE_SECONDS", 0.1)
    async with running_server(TABLES, folder=tmp_path) as site:
        await site.server.write(
            lambda _tx: ListeningRow._meta.database.execute_sql(
                "ALTER TABLE growerp_listening RENAME TO aside"
            )
        )
        service(site).keep(who(), frozenset({"a"}))
        await asyncio.sleep(0.3)
        assert await service(site).of(who()) == {"a"}
        await site.server.write(
            lambda _tx: ListeningRow._meta.database.execute_sql(
                "ALTER TABLE aside RENAME TO growerp_listening"
            )
        )
        async with asyncio.timeout(5):
            while not await rows(site):
                await asyncio.sleep(0.05)


async def test_one_person_has_so_many_sets_and_no_more(site):
    for n in range(30):
        service(site).keep(who(key=f"k{n}"), frozenset({str(n)}))
    service(site).keep(who("u-bob"), frozenset({"bob"}))
    await service(site).flush()
    found = await rows(site)
    assert [key for key, _names in found if key != "k1"] == [f"k{n}" for n in range(10, 30)]
    assert ("k1", '["bob"]') in found
