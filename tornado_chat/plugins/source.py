"""Where plugins are found, and what one is.

Finds and imports; never calls a hook.
"""

import importlib
import importlib.metadata
import itertools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from marshmallow import Schema

from tornado_chat.errors import SetupError
from tornado_chat.plugins.calls import Calls, WrongType
from tornado_chat.plugins.faults import boot_error, ends_all, own_place, place_of

log = logging.getLogger("tornado_chat.plugins")

ENTRY_POINTS = "tornado_chat"
RESERVED = frozenset({"directory", "disabled"})  # keys of [plugins] that are no plugin's section
TRACE = "TORNADO_CHAT_TRACE_HOOKS"  # 1: each call into a plugin is a line of the log
QUIET_SECONDS = 30.0  # between two log lines about the same thing of the same plugin

_packages = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Hook:
    """A plugin's function for one hook, and the arguments that it declares."""

    function: Callable[..., Any]
    arguments: tuple[str, ...]
    plugin: "Plugin" = field(repr=False)

    def __call__(self, **given: Any) -> Any:
        """Calls it with those of the arguments that it declares; its plugin's `server` and `config`
        where nothing else is given."""
        own = self.plugin
        return self.function(
            **{
                name: given[name] if name in given else getattr(own, name)
                for name in self.arguments
            }
        )


@dataclass(slots=True, eq=False)
class Plugin:
    """One plugin of one server.

    `place`: "directory", "entry point" or "code". `file`: of the module. `version`: of its
    distribution or its `__version__`, empty where neither says. `config`: its section, checked.
    `schema`: of that section, None where it takes none. `mount`: below which its routes lie,
    without a slash at the end; empty for the root. `kinds`: of topic, as it registered them.
    `calls`: by hook, since the start; `lost`: events that its observers were too slow for.
    `server`: as it is given to its hooks; `turnstile`: by which it writes. None without a server.
    `call_seconds`: for one call that waits, 0 for no limit. `traced`: each call is a line of the log.
    """

    name: str
    module: ModuleType
    place: str
    file: str
    version: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    schema: type[Schema] | Schema | None = None
    mount: str = ""
    hooks: dict[str, Hook] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    calls: dict[str, Calls] = field(default_factory=dict)
    lost: int = 0
    server: Any = None
    turnstile: Any = None
    call_seconds: float = 10.0
    traced: bool = field(default_factory=lambda: os.environ.get(TRACE, "") not in ("", "0"))
    _said: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def api(self) -> Any:
        """The version of this interface that it is made for; None where it does not say."""
        return getattr(self.module, "api", None)

    @property
    def requires(self) -> Any:
        """The names of the plugins that it needs."""
        return getattr(self.module, "requires", ())

    def own(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of a hook, those of them its own that are different for each plugin."""
        server = self.server or arguments.get("server")
        return {**arguments, "config": self.config, "server": server}

    @property
    def failures(self) -> dict[str, int]:
        """By hook, since the start; those without any are left out."""
        return {hook: each.failures for hook, each in self.calls.items() if each.failures}

    def calls_of(self, hook: str, limit: float | None = None, **options: Any) -> Calls:
        """The one way into a hook of it. `limit`: seconds, None for `call_seconds`; `options` as in
        `Calls`, of who asks first."""
        found = self.calls.get(hook)
        if found is None:
            found = self.calls[hook] = Calls(self, hook, self.call_seconds, **options)
        if limit is not None:
            found.limit = limit
        return found

    def failed(self, hook: str, error: BaseException, where: str | None = None) -> None:
        """Counts a failure under traffic and logs it, of each kind and place at most once in a
        while. `where`: `file:line` of what was called, for an error that none of the plugin's own
        lines has raised.

        The log has the error's type and place but not its text, which may quote a message or a
        credential. Safe on any thread.
        """
        calls = self.calls_of(hook)
        with self._lock:
            calls.failures += 1
        what = type(error).__name__
        if isinstance(error, WrongType):
            what = f"{what}: {error}"
        at = own_place(error, self.file) or where or place_of(error, self.file)
        how = f"failed in {hook}: {what} ({at})"
        self.say(how, f"{how}, {calls.failures} so far")

    def say(self, about: str, text: str, level: int = logging.ERROR) -> None:
        """A log line about this plugin, unless there was one about the same a moment ago."""
        now = time.monotonic()
        with self._lock:
            if now - self._said.get(about, -QUIET_SECONDS) < QUIET_SECONDS:
                return
            self._said[about] = now
        log.log(level, "plugin %r %s", self.name, text)


@dataclass(frozen=True, slots=True)
class Finding:
    """A plugin that was found and not imported yet. `file`: as far as known before that."""

    name: str
    place: str
    file: str
    load: Callable[[], ModuleType]
    version: str = ""


class DropIns:
    """The configured directory, importable under a package name of its own.

    `name.py` and `name/__init__.py` are plugins; what begins with `_` or `.` is not, but may be
    imported by them (`from ._shared import …`). The name of the package is another one in each
    server, so that two servers in one process share nothing.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.package = f"_tornado_chat_plugins_{next(_packages)}"
        spec = ModuleSpec(self.package, None, is_package=True)
        spec.submodule_search_locations = [str(directory)]
        sys.modules[self.package] = module_from_spec(spec)
        importlib.invalidate_caches()  # the directory may be younger than the last look at it

    def __iter__(self) -> Iterator[Finding]:
        for path in self._files():
            if path.name.startswith(("_", ".")):
                continue
            if path.suffix == ".py" and path.is_file():
                yield self._finding(path.stem, path)
            elif (path / "__init__.py").is_file():
                yield self._finding(path.name, path / "__init__.py")

    def _files(self) -> list[Path]:
        try:
            return sorted(self.directory.iterdir()) if self.directory.is_dir() else []
        except OSError as error:
            reason = (error.strerror or "error").lower()
            raise SetupError(f"in plugins.directory: {self.directory}: {reason}") from None

    def _finding(self, name: str, file: Path) -> Finding:
        def load() -> ModuleType:
            return importlib.import_module(f"{self.package}.{name}")

        return Finding(name, "directory", str(file), load)

    def forget(self) -> None:
        """Takes its modules out of the interpreter's table."""
        for name in list(sys.modules):
            if name == self.package or name.startswith(f"{self.package}."):
                del sys.modules[name]


def installed(names: bool | Collection[str] = True) -> Iterator[Finding]:
    """The plugins of installed distributions, by name: all of them, none, or those of these names."""
    if names is False:
        return
    for point in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda p: p.name):
        if names is not True and point.name not in names:
            continue
        version = point.dist.version if point.dist else ""
        yield Finding(point.name, "entry point", point.value, point.load, version)


def given(modules: Iterable[ModuleType]) -> Iterator[Finding]:
    """Modules handed over in code; the name is the last part of the module's."""
    for module in modules:
        name = module.__name__.rpartition(".")[2]
        file = getattr(module, "__file__", None) or module.__name__
        yield Finding(name, "code", file, lambda module=module: module)  # type: ignore[misc]


def choose(findings: Iterable[Finding], disabled: Sequence[str]) -> list[Finding]:
    """One finding a name: the first place wins, with one log line; none that is disabled."""
    chosen: dict[str, Finding] = {}
    for finding in findings:
        first = chosen.setdefault(finding.name, finding)
        if not finding.name.isidentifier() or finding.name in RESERVED:
            raise SetupError(f"plugin {finding.file}: {finding.name!r} is no name for a plugin")
        if first is not finding and finding.name not in disabled:
            log.info(
                "plugin %r found twice: loaded from %s (%s), passed over in %s (%s)",
                *(finding.name, first.place, first.file, finding.place, finding.file),
            )
    for name in disabled:
        if name not in chosen:
            log.warning("in plugins.disabled: no plugin %r is there", name)
    return [finding for finding in chosen.values() if finding.name not in disabled]


def load(finding: Finding) -> Plugin:
    """Imports it. Raises SetupError that names plugin, file and line."""
    try:
        module = finding.load()
    except BaseException as error:
        if ends_all(error):
            raise
        raise boot_error(finding.name, "to load", error, finding.file) from error
    if not isinstance(module, ModuleType):
        raise SetupError(f"plugin {finding.name!r} ({finding.file}): not a module")
    return Plugin(
        finding.name,
        module,
        finding.place,
        file=getattr(module, "__file__", None) or finding.file,
        version=finding.version or str(getattr(module, "__version__", "")),
        mount=f"/plugins/{finding.name}",
    )
