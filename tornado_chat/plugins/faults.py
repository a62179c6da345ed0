"""Where the fault of a plugin is, and what is said of one that does not let the server start."""

import asyncio
import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tornado_chat.errors import SetupError
from tornado_chat.plugins.calls import line_of

if TYPE_CHECKING:
    from tornado_chat.plugins.source import Plugin


def place_of(error: BaseException, file: str) -> str:
    """`file:line` where the error came up: the deepest line of the plugin itself, else of all."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return file
    return own_place(error, file) or f"{frames[-1].filename}:{frames[-1].lineno}"


def own_place(error: BaseException, file: str) -> str | None:
    """`file:line` of the deepest line of the plugin itself in it; None where it has none."""
    frames = traceback.extract_tb(error.__traceback__)
    package = str(Path(file).parent) + "/" if file.endswith("__init__.py") else file
    own = [frame for frame in frames if frame.filename.startswith(package)]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else None


def boot_error(
    plugin: str, stage: str, error: BaseException, file: str, at: str | None = None
) -> SetupError:
    """What is said when a plugin does not let the server start; `stage` such as "startup". `at`:
    `file:line` of what was called, for an error that none of its own lines has raised."""
    text = str(error.msg if isinstance(error, SyntaxError) else error)
    if not isinstance(error, SetupError):
        text = f"{type(error).__name__}: {text}"
    where = own_place(error, file) or at or place_of(error, file)
    return SetupError(f"plugin {plugin!r} failed {stage}: {text} ({where})")


def ends_all(error: BaseException) -> bool:
    """Whether somebody wants the start itself to end; anything else is the mistake of what raised
    it."""
    if isinstance(error, asyncio.CancelledError):
        with contextlib.suppress(RuntimeError):  # no loop runs
            task = asyncio.current_task()
            return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


@contextlib.contextmanager
def booting(plugin: "Plugin", hook: str) -> Iterator[None]:
    """What comes of the answer of a boot hook: whatever it raises names the plugin."""
    found = plugin.hooks.get(hook)
    at = (line_of(found) if found else None) or plugin.file
    try:
        yield
    except SetupError as error:
        said = str(error)
        if said.startswith("plugin") and not said.endswith(")"):
            raise SetupError(f"{said} ({at})") from error
        raise
    except BaseException as error:
        if ends_all(error):
            raise
        raise boot_error(plugin.name, f"in {hook}", error, plugin.file, at) from error
