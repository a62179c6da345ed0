"""Which server is measured, by whose keys, and what it says of itself: one that runs, or one of our
own, on a database that is thrown away."""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from tornado_chat.accounts.keys import new_key
from tornado_chat.config import Config
from tornado_chat.errors import SetupError

PEOPLE = 50  # of a server of our own
TENANT = "BENCH"
START_SECONDS = 30.0
ROOMS = "/plugins/chat_rooms/rooms"
SERVE = "from tornado_chat.cli import main; main()"


@dataclass(frozen=True)
class Place:
    """`process`: of the server, None where it is not on this machine, or another person's.
    `durability`: None where nobody told; `says`: who did, where it was not the server. `own`:
    nobody else is served there. `rest`: it has the GrowERP face."""

    url: str
    keys: Sequence[str]
    process: int | None
    durability: str | None
    own: bool = False
    rest: bool = True
    says: str = ""

    def memory(self) -> int | None:
        """Resident bytes of the server."""
        if self.process is None:
            return None
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.process}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return None

    async def make_room(self, key: str, members: Sequence[str]) -> str:
        """A room of the key's owner and these people; its topic. Raises SetupError."""
        body = json.dumps({"name": "Bench", "members": list(members)})
        headers = {"api_key": key, "Content-Type": "application/json"}
        request = HTTPRequest(self.url + ROOMS, "POST", headers, body)
        status, answer = await ask(self.url, request)
        if status not in {200, 201}:
            said = answer.get("error", {}).get("message", f"answered {status}")
            raise SetupError(f"{self.url}: a room cannot be made: {said}")
        return str(answer["room"]["topic"])

    async def leave_room(self, key: str, topic: str) -> None:
        """So that nobody has it in his list. What goes wrong is passed over: it is measured."""
        path = f"{self.url}{ROOMS}/{topic.partition(':')[2]}/leave"
        with contextlib.suppress(HTTPClientError, OSError):
            await AsyncHTTPClient().fetch(HTTPRequest(path, "POST", {"api_key": key}, "{}"))


async def ask(url: str, request: HTTPRequest) -> tuple[int, dict[str, Any]]:
    """Status, and what was answered as JSON. Raises SetupError where nobody answers so."""
    try:
        answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        body = json.loads(answer.body or b"null")
    except (OSError, HTTPClientError) as problem:
        raise SetupError(f"{url}: {problem}") from None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise SetupError(f"{url}: no tornado_chat answers there")
    return answer.code, body


def checked(url: str) -> str:
    """The address of a server, without the last slash. Raises SetupError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SetupError(f"{url}: not http:// or https:// and a host")
    return url.rstrip("/")


async def running(url: str, keys: Sequence[str], config: Config) -> Place:
    """A server that runs. `config`: believed where it came from a file and the server does not tell
    any of these people how it is set up. Raises SetupError where it cannot be measured."""
    report: dict[str, Any] = {}
    for key in dict.fromkeys(keys):
        _status, report = await ask(
            url, HTTPRequest(f"{url}/health/ready", headers={"api_key": key})
        )
        if not report.get("ready") or "durability" in report:
            break
    if "ready" not in report:
        raise SetupError(f"{url}: no tornado_chat answers there")
    if not report["ready"]:
        raise SetupError(f"{url}: not ready: {json.dumps(report)[:200]}")
    if "chat_rooms" not in report["plugins"]:
        raise SetupError(f"{url}: without the plugin chat_rooms there are no rooms to talk in")
    durability, says = report.get("durability"), ""
    if durability is None and config.path is not None:
        durability, says = config.store.durability, f", says {config.path}"
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    process = listener(parts.port or (443 if parts.scheme == "https" else 80)) if local else None
    return Place(url, keys, process, durability, rest="growerp" in report["plugins"], says=says)


def listener(port: int) -> int | None:
    """The process that listens on a port of this machine, as far as /proc shows it to us."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(link.readlink()) in inodes:
                return int(link.parts[2])
    return None


@contextlib.asynccontextmanager
async def of_our_own(config: Config) -> AsyncIterator[Place]:
    """A server with people of its own, on the disk where the configured database would lie. Raises
    SetupError where it does not start."""
    disk = Path.cwd()
    if config.store.url.startswith("sqlite:///"):
        disk = Path(config.store.url.removeprefix("sqlite:///")).parent
    with tempfile.TemporaryDirectory(dir=disk, prefix="tornado_chat_bench_") as folder:
        keys = [new_key() for _ in range(PEOPLE)]
        path = Path(folder) / "tornado_chat.toml"
        path.write_text(tables(config.store.durability, keys))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SERVE, "serve", "-c", str(path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
        )
        try:
            yield Place(
                await _address(process), keys, process.pid, config.store.durability, own=True
            )
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
    except TimeoutError:
        line = b""
    if b"listening on " not in line:
        process.kill()
        said = (await process.stderr.read()).decode().strip().splitlines()
        raise SetupError(f"a server of our own did not start: {said[-1] if said else 'no word'}")
    return line.decode().rpartition("listening on ")[2].strip()


def tables(durability: str, keys: Sequence[str]) -> str:
    """The configuration of a server of our own: all that a load client needs, else the defaults."""
    people = "".join(
        f'[[users]]\nuser_id = "b{number}"\ntenant = "{TENANT}"\napi_key = "{key}"\n'
        for number, key in enumerate(keys)
    )
    return f"""[server]
port = 0
drain_seconds = 0
[store]
durability = "{durability}"
[limits]
frames_per_second = 0
sockets_per_user = 0
[log]
level = "error"
{people}"""
