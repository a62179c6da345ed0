"""What pytest finds by the entry point. Imports nothing until a fixture is asked for."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from itertools import count
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def chat_server(tmp_path: Path) -> Iterator[Any]:
    """`tornado_chat.testing.chat_server`, with its databases below `tmp_path`, and with one log for
    all servers of the test."""
    from tornado_chat.testing.chat import Chat  # noqa: PLC0415 - not before it is asked for
    from tornado_chat.testing.logs import Logs  # noqa: PLC0415
    from tornado_chat.testing.running import chat_server as run  # noqa: PLC0415

    logs, number = Logs(), count(1)

    def start(*args: Any, **kwargs: Any) -> AbstractAsyncContextManager[Chat]:
        if kwargs.get("folder") is None:
            kwargs["folder"] = tmp_path / f"chat-{next(number)}"
            kwargs["folder"].mkdir()
        return run(*args, **{"logs": logs, **kwargs})

    with logs:
        yield start
    logs.check()
