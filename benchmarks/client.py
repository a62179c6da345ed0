"""The load client: compiled at first use, told what to do by a plan. See client/plan.c."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import CACHE, Missing, pinned

SOURCES = Path(__file__).parent / "client"


@dataclass(frozen=True)
class Conn:
    """One connection. `role`: s hears, p says, h asks by HTTP; `source`: the publisher that it
    hears. `steps`: how it opens, each with > to say, ? to wait for, - and + to say at the first
    time and at later ones; of HTTP the headers, parted by |."""

    role: str
    path: str
    steps: Sequence[str] = ()
    source: int = 0
    say: str | None = None

    def lines(self) -> Iterator[str]:
        """As the plan has it."""
        yield "conn " + "\t".join([self.role, str(self.source), self.path, *self.steps])
        if self.say is not None:
            yield f"say {self.say}"


@dataclass(frozen=True)
class Plan:
    """What the client does; `settings` are those of client/plan.c."""

    mode: str
    port: int
    conns: Sequence[Conn]
    settings: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """As the client reads it. What has no value is left out."""
        lines = [f"mode {self.mode}", f"port {self.port}"]
        lines += [f"{name} {value}" for name, value in self.settings.items() if value is not None]
        for conn in self.conns:
            lines += conn.lines()
        return "\n".join(lines) + "\n"


def built() -> Path:
    """The program. Raises Missing where there is no compiler."""
    program = CACHE / "load"
    return compiled(program, sorted(SOURCES.glob("*.c")), watched=SOURCES.glob("*"))


def compiled(program: Path, sources: Sequence[Path], *, watched: Any = ()) -> Path:
    """Compiled again where a source is newer."""
    newest = max(path.stat().st_mtime for path in [*sources, *watched])
    if program.exists() and program.stat().st_mtime > newest:
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Missing("no C compiler: on Debian apt-get install gcc libc6-dev")
    program.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-O2", "-Wall", "-std=gnu11", "-o", str(program), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{program.name} cannot be compiled: {done.stderr.strip().splitlines()[0]}")
    return program


class Client:
    """A running client. `open()` waits until all connections are."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def open(self) -> None:
        """Raises Missing with the client's own words where they cannot be opened."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("open "):
            self._fail()

    def end(self) -> None:
        """What holds connections lets them go."""
        assert self._process.stdin is not None
        self._process.stdin.write("end\n")
        self._process.stdin.flush()

    def report(self) -> dict[str, Any]:
        """What it counted, once it is done."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("report "):
                found: dict[str, Any] = json.loads(line.removeprefix("report "))
                return found
        return self._fail()

    def _fail(self) -> dict[str, Any]:
        assert self._process.stderr is not None
        self._process.wait()
        said = self._process.stderr.read().strip().splitlines()
        raise Missing(f"load client: {said[-1] if said else 'ended'}")


@contextlib.contextmanager
def running(plan: Plan, core: int | None) -> Iterator[Client]:
    """The client at work; what is left of it is ended with the block. On a core of its own it never
    sleeps: to wake it would cost the server time."""
    program = built()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan"
        spin = core is not None and len(os.sched_getaffinity(0)) > 1
        path.write_text(plan.text() + ("spin 1\n" if spin else ""))
        with pinned(core):
            process = subprocess.Popen(
                [str(program), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        with process:
            try:
                yield Client(process)
            finally:
                process.kill()


def run(plan: Plan, core: int | None) -> dict[str, Any]:
    """Runs a plan to its end."""
    with running(plan, core) as client:
        client.open()
        return client.report()
