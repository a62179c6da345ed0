"""Bare group commits: rows arrive at a rate, one thread writes what waits and commits it with
synchronous=FULL. What a message must wait for at least. Usage: commits.py FILE RATE SECONDS"""

import json
import queue
import sqlite3
import sys
import threading
import time
from pathlib import Path

TEXT = "x" * 200


def write(path: str, waiting: "queue.SimpleQueue[float | None]", took: list[float]) -> None:
    """Until None comes; `took`: of each row, from when it was due until it was on the disk."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=wal")
    database.execute("PRAGMA synchronous=full")
    database.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT)")
    ended = False
    while not ended:
        group = [waiting.get()]
        while not waiting.empty():
            group.append(waiting.get())
        ended = None in group
        due = [each for each in group if each is not None]
        if due:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO message (text) VALUES (?)", [(TEXT,)] * len(due))
            database.execute("COMMIT")
            now = time.perf_counter()
            took += [now - each for each in due]
    database.close()


def main(path: str, rate: float, seconds: float) -> None:
    for old in Path(path).parent.glob(Path(path).name + "*"):
        old.unlink()
    waiting: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    took: list[float] = []
    writer = threading.Thread(target=write, args=(path, waiting, took))
    writer.start()
    start = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = start + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        waiting.put(due)
    waiting.put(None)
    writer.join()
    took.sort()
    quantiles = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}
    last = len(took) - 1
    print(json.dumps({name: 1e6 * took[int(last * at)] for name, at in quantiles.items()}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
