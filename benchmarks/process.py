"""A server in a process of its own, on the server's core."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.machine import Missing, pinned

START_SECONDS, STOP_SECONDS = 60.0, 30.0
LISTENING = "listening on "


class Running:
    """`port`: where it listens; `started`: when its process began, as `time.monotonic`."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, started: float) -> None:
        self.process = process
        self.pid = process.pid
        self.port = port
        self.started = started
        self.listening = time.monotonic()

    def kill(self) -> None:
        """Without a word, as a power cut."""
        self.process.kill()
        self._over()

    def stop(self) -> None:
        """With SIGTERM, and for good."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._over()

    def _over(self) -> None:
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def start(
    command: Sequence[str | Path],
    *,
    core: int | None,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Running:
    """Returns once it has printed where it listens; `log` gets its stderr."""
    started = time.monotonic()
    with pinned(core), log.open("ab") as errors:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
    assert process.stdout is not None
    patience = threading.Timer(START_SECONDS, process.kill)
    patience.start()
    for line in process.stdout:
        if LISTENING in line:
            patience.cancel()
            port = int(line.split(LISTENING)[1].strip().rstrip("/").rpartition(":")[2])
            return Running(process, port, started)
    patience.cancel()
    process.stdout.close()
    process.wait()
    last = log.read_text().strip().splitlines()[-1:] or ["it ended"]
    raise Missing(f"{Path(command[0]).name} did not start: {last[0]}")


@contextlib.contextmanager
def serving(
    command: Sequence[str | Path],
    *,
    core: int | None,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """A server until the block ends."""
    running = start(command, core=core, log=log, cwd=cwd, env=env)
    try:
        yield running
    finally:
        running.stop()
