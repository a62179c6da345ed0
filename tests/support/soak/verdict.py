"""What was promised, held against the file and against what everybody saw."""

import json
import sqlite3
from collections import Counter
from itertools import pairwise

from support.soak.listeners import PROBE, ChatListener, NativeListener

SHOWN = 5  # of one kind of complaint
PROVEN_SECONDS = 4.0  # between a pong and the end of its connection, with two more pings in between
SETTLING = 4.0  # seconds in which the server finds out that an older connection hangs
ID_BASE = 100_000


def judge(world, publishers, listeners, path):
    """Complaints, a line each."""
    log = Log(path)
    found = [*log.faults()]
    found += few(published(world, log))
    found += few(in_order(world, publishers, log))
    for listener in listeners:
        found += few(missed(world, listener, log))
        found += few(invented(world, listener, log))
        if isinstance(listener, NativeListener):
            found += few(native(world, listener, log))
    for person in {each.person for each in listeners if not isinstance(each, NativeListener)}:
        found += few(again(world, [each for each in listeners if each.person == person]))
    world.summary = summary(world, listeners, log)
    return found


def few(complaints):
    complaints = list(complaints)
    more = len(complaints) - SHOWN
    return complaints[:SHOWN] + ([f"… and {more} more like this"] if more > 0 else [])


class Log:
    """The file, read by no code of ours. `rows`: (offset, topic, number, sender, text, mark)."""

    def __init__(self, path):
        with sqlite3.connect(path) as database:
            ask = database.execute
            rows = ask(
                "SELECT offset, kind, key, number, sender, data FROM message JOIN topic "
                "ON topic.id = topic_id ORDER BY offset"
            ).fetchall()
            self.head = ask("SELECT offset FROM log_head").fetchone()[0]
            self.count = ask("SELECT count(*) FROM message").fetchone()[0]
            self.sound = ask("PRAGMA integrity_check").fetchone()[0]
            self.epochs = ask("SELECT first_offset, name FROM epoch ORDER BY begun").fetchall()
            self.topics = ask("SELECT kind, key, count, last_offset FROM topic").fetchall()
        self.rows = []
        for offset, kind, key, number, sender, data in rows:
            data = json.loads(data)
            text = data["content"] if kind == "room" else data["message"]["message"]
            topic = f"{kind}:{key}" if kind else key
            self.rows.append((offset, topic, number, sender, text, text.split(" ", 1)[0]))
        self.by_mark = {}
        for row in self.rows:
            self.by_mark.setdefault(row[5], []).append(row)
        self.by_offset = {row[0]: row for row in self.rows}

    def faults(self):
        if self.sound != "ok":
            yield f"the file is damaged: {self.sound}"
        offsets = [row[0] for row in self.rows]
        if self.count != len(offsets):
            yield f"{self.count - len(offsets)} messages without a topic"
        if offsets != list(range(1, len(offsets) + 1)):
            holes = [(a, b) for a, b in pairwise(offsets) if b != a + 1]
            yield f"offsets are not contiguous: {holes[:SHOWN]}"
        if self.head != (offsets[-1] if offsets else 0):
            yield f"the head is {self.head}, the last offset {offsets[-1]}"
        for kind, key, count, last in self.topics:
            name = f"{kind}:{key}" if kind else key
            mine = [(row[2], row[0]) for row in self.rows if row[1] == name]
            if [number for number, _ in mine] != list(range(1, count + 1)):
                yield f"{name}: numbers are not 1 to {count}"
            if mine and mine[-1][1] != last:
                yield f"{name}: last_offset is {last}, not {mine[-1][1]}"

    def epoch_of(self, offset):
        """The last that began before it."""
        return [name for first, name in self.epochs if first < offset][-1]


def published(world, log):
    """Acknowledged: once. Everything else: at most once."""
    for said in world.said.values():
        rows = log.by_mark.get(said.mark, [])
        told = f"{said.mark} ({said.tries} tries, said {world.when(said.at)}"
        told += (
            ", never acknowledged)"
            if said.acked is None
            else f", acknowledged {world.when(said.acked)})"
        )
        if (said.acked is not None and len(rows) != 1) or len(rows) > 1:
            yield f"{told} is in the log {len(rows)} times: {[row[0] for row in rows]}"
            continue
        for row in rows:
            if (
                row[4] != said.text
                or row[3] != f"u-{said.by}"
                or row[1] != world.topic_id(said.topic)
            ):
                yield f"{told} is in the log as something else: {row[:4]}"
            for answer in said.answers:
                if answer["id"] != str(ID_BASE + row[0]) or answer.get("offset", row[0]) != row[0]:
                    yield f"{told} was answered {answer}, the log has offset {row[0]}"
    for mark in log.by_mark:
        if mark not in world.said and mark != PROBE:
            yield f"{mark} is in the log and nobody said it"


def in_order(world, publishers, log):
    """What somebody says over one socket keeps its order, retries included."""
    for publisher in publishers:
        if not publisher.name.startswith(("p-native", "p-burst", "p-frame", "p-rest")):
            continue
        mine = [row[5] for row in log.rows if row[3] == f"u-{publisher.name}" and row[5] != PROBE]
        for before, after in pairwise(mine):
            if before > after:
                yield f"{publisher.name}: {after} is in the log after {before}"


def missed(world, listener, log):
    """At least once, whatever is in the log."""
    for offset, _, _, _, _, mark in log.rows:
        said = world.said.get(mark)
        if said is None or mark in listener.marks or not listener.wants(said):
            continue
        around = [
            f"{each.opened:.2f}-{each.closed or world.now:.2f}"
            for each in listener.connections
            if (each.closed or world.now) > said.at - 3
            and each.opened < (said.acked or said.at) + 6
        ]
        yield (
            f"{listener.name} missed {mark} at offset {offset}, said {world.when(said.at)}; "
            f"it was connected {', '.join(around) or 'never'}"
        )


def invented(world, listener, log):
    """What was seen is in the log."""
    for mark in sorted(listener.marks):
        if mark in world.said and mark not in log.by_mark:
            yield f"{listener.name} saw {mark}, said {world.when(world.said[mark].at)}: not in the log"
    if isinstance(listener, ChatListener):
        for mark, public_id in listener.ids.items():
            rows = log.by_mark.get(mark, [])
            if mark != PROBE and rows and public_id != str(ID_BASE + rows[0][0]):
                yield f"{listener.name} saw {mark} as {public_id}, it is offset {rows[0][0]}"


def native(world, listener, log):
    """Where, in which epoch, under which id."""
    for topic, got in listener.got.items():
        marks = Counter(mark for _, mark in got if mark != PROBE)
        twice = [mark for mark, count in marks.items() if count > 1]
        if twice:
            yield f"{listener.name} saw of {topic} more than once: {twice[:SHOWN]}"
        for offset, mark in got:
            row = log.by_offset.get(offset)
            if row is None or row[5] != mark:
                yield f"{listener.name} saw {mark} at offset {offset}, the log has {row and row[5]}"
            elif listener.epochs[offset] != log.epoch_of(offset):
                yield f"{listener.name} was told epoch {listener.epochs[offset]} of offset {offset}"
            elif listener.ids[offset] != str(ID_BASE + offset):
                yield f"{listener.name} was told id {listener.ids[offset]} of offset {offset}"


def again(world, devices):
    """What all devices of one key had proved long before a drop does not come again on any of them.

    Proved: seen before a ping that was answered `PROVEN_SECONDS` before the connection ended, and
    two more pings came since, so that the pong was read and the proof had its second to be stored.
    """
    firsts = [proofs(device) for device in devices]
    for device in devices:
        sure_until = unsettled(world, device)
        for connection in device.connections:
            if connection.opened > sure_until:
                break
            for mark, at in connection.seen:
                proved = [each.get(mark) for each in firsts]
                if all(end is not None and end < connection.opened for end in proved):
                    yield (
                        f"{device.name} saw {mark} again {world.when(at)}: it was proved by "
                        f"{', '.join(f'{end:.2f} s' for end in proved)}"
                    )


def unsettled(world, device):
    """When the server was killed before it knew that a connection hangs in whose place another had
    come. Then both count as devices, and the one that never returns makes the other begin at its
    place for the ten minutes that it is kept: nothing can be said of what comes again."""
    for before, after in pairwise(device.connections):
        if before.hung and any(
            after.opened < kill < after.opened + SETTLING for kill in world.kills
        ):
            return after.opened
    return float("inf")


def proofs(device):
    """mark -> when the connection ended on which it was proved first."""
    found, seen = {}, set()
    for connection in device.connections:
        end = connection.closed
        sure = 0
        for number, (at, count) in enumerate(connection.pongs):
            if (
                end is not None
                and end - at >= PROVEN_SECONDS
                and number + 2 < len(connection.pongs)
            ):
                sure = count
        for place, (mark, _) in enumerate(connection.seen):
            seen.add(mark)
            if place < sure:
                found.setdefault(mark, end)
    return found


def summary(world, listeners, log):
    acked = sum(said.acked is not None for said in world.said.values())
    repeats = {
        each.name: sum(len(connection.seen) for connection in each.connections) - len(each.marks)
        for each in listeners
    }
    connections = sum(len(each.connections) for each in listeners)
    proved = sum(len(proofs(each)) for each in listeners)
    return (
        f"{len(world.kills)} kills, {len(world.said)} said, {acked} acknowledged, {log.count} in the "
        f"log, {sum(len(each.marks) for each in listeners)} heard on {connections} connections, "
        f"{proved} of them surely proved; "
        f"came again: { ({name: count for name, count in repeats.items() if count}) }"
    )
