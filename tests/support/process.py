"""The installed command as a person runs it: real processes, real signals."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import tomllib
from pathlib import Path

COMMAND = str(Path(sys.executable).parent / "tornado-chat")


async def proved_on_disk(folder, sockets=1):
    """Waits until so many sockets are proved to have all that is in the log, and that is stored."""
    database = sqlite3.connect(folder / "tornado_chat.db")
    query = "SELECT count(*) FROM cursor WHERE position = (SELECT offset FROM log_head)"
    async with asyncio.timeout(20):
        while database.execute(query).fetchone()[0] < sockets:
            await asyncio.sleep(0.02)
    database.close()


async def run(*arguments, stdin="", cwd=None, env=None, command=COMMAND):
    """Runs it to its end: (exit status, stdout, stderr)."""
    process = await asyncio.create_subprocess_exec(
        command,
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 30)
    return process.returncode, out.decode(), err.decode()


class Running:
    """A server in a process of its own; `log` is all it has said on stderr."""

    def __init__(self, process, url):
        self.process = process
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.log = ""
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        while line := await self.process.stderr.readline():
            self.log += line.decode()

    async def stop(self, number=signal.SIGTERM):
        """Its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        status = await asyncio.wait_for(self.process.wait(), 20)
        await self._reader
        return status


@contextlib.asynccontextmanager
async def serving(*arguments, cwd=None, env=None, command=COMMAND):
    """`tornado-chat serve …` until the block ends; port 0 unless the arguments say otherwise."""
    process = await asyncio.create_subprocess_exec(
        command,
        "serve",
        "--set",
        "server.port=0",
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    if "listening on " not in line:
        error = (await process.stderr.read()).decode()
        raise AssertionError(f"did not start: {line}{error}")
    running = Running(process, line.split("listening on ")[1].strip())
    try:
        yield running
    finally:
        if process.returncode is None:
            await running.stop()


def toml(tables):
    """Tables as TOML, as far as tests need it."""
    lines = []

    def value(given):
        if isinstance(given, bool):
            return str(given).lower()
        if isinstance(given, str):
            return '"' + given.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if isinstance(given, list | tuple):
            return "[" + ", ".join(map(value, given)) + "]"
        return str(given)

    def table(given, path):
        plain = {
            name: each
            for name, each in given.items()
            if not isinstance(each, dict)
            and not (isinstance(each, list) and each and isinstance(each[0], dict))
        }
        if path and (plain or not given):
            lines.append(f"[{path}]")
        lines.extend(f'"{name}" = {value(each)}' for name, each in plain.items())
        for name, each in given.items():
            if isinstance(each, dict):
                table(each, f"{path}.{name}" if path else name)
            elif name not in plain:
                for item in each:
                    lines.append(f"[[{path + '.' if path else ''}{name}]]")
                    lines.extend(f"{key} = {value(part)}" for key, part in item.items())

    table(tables, "")
    text = "\n".join(lines) + "\n"
    tomllib.loads(text)
    return text
