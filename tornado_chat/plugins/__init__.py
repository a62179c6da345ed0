"""The plugins of one server: loaded, ordered, checked, and called by name.

No state is shared between two servers. What is called at boot may stop the start; what is called
under traffic is contained.

    source      where they are found, and what one is      checks      what is refused at boot
    calls       the one way in, over `stepping`            providers   topics' owners, asked
    traffic     hooks that see traffic, one by one         observers   those that are told afterwards
    breaker     what fails again and again                 turnstile   what one writes
    faults      where a fault is, and what is said of it
"""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tornado_chat.config import PluginsConfig
from tornado_chat.errors import Denied, SetupError
from tornado_chat.messages import Credentials, Draft, Identity, Topic
from tornado_chat.plugins.calls import PluginFailed, line_of
from tornado_chat.plugins.checks import (
    check_api,
    check_schema,
    check_sections,
    find_hooks,
    in_order,
)
from tornado_chat.plugins.faults import boot_error, booting, ends_all
from tornado_chat.plugins.observers import Observers
from tornado_chat.plugins.providers import Registry
from tornado_chat.plugins.source import (
    DropIns,
    Plugin,
    choose,
    given,
    installed,
    load,
)
from tornado_chat.plugins.traffic import Authenticator, Filter, Veto, authenticate
from tornado_chat.store.models import StoreModel

if TYPE_CHECKING:
    from tornado_chat.app import Server

__all__ = ["Plugin", "Plugins"]

log = logging.getLogger("tornado_chat.plugins")

SHUTDOWN_SECONDS = 10.0  # for each plugin
STARTUP_SECONDS = 10.0  # then the log says who is waited for; there is no limit
LISTS = frozenset(
    f"register_{what}" for what in ("models", "topics", "routes", "dialects", "consumers")
)


class Plugins:
    """What `load` found, in the order of `requires`.

    `filters`, `vetoes`, `authenticators`: empty where no plugin has the hook, so that asking costs
    nothing. `observers`: is told of messages and sessions.
    """

    def __init__(self, plugins: Iterable[Plugin] = (), drop_ins: DropIns | None = None) -> None:
        self._plugins = tuple(plugins)
        self._drop_ins = drop_ins
        self._started: list[Plugin] = []
        self.filters = tuple(Filter(plugin) for plugin in self.having("filter_message"))
        self.vetoes = tuple(Veto(plugin) for plugin in self.having("authorize"))
        self.authenticators = tuple(Authenticator(plugin) for plugin in self.having("authenticate"))
        self.observers = Observers(self._plugins)

    @classmethod
    def load(
        cls,
        config: PluginsConfig,
        modules: Iterable[ModuleType] = (),
        *,
        entry_points: bool | Collection[str] = True,
    ) -> "Plugins":
        """Finds, imports, orders and checks; calls `register_config` and no other hook.

        Found in this order: `config.directory`, the entry points, `modules`; the first place of
        a name wins. Raises SetupError that says which plugin and file is at fault.
        """
        drop_ins = DropIns(config.directory)
        try:
            places = chain(drop_ins, installed(entry_points), given(modules))
            plugins = [load(finding) for finding in choose(places, config.disabled)]
            for plugin in plugins:
                plugin.call_seconds = config.call_seconds
                check_api(plugin)
            plugins = in_order(plugins, config.disabled)
            find_hooks(plugins)
            loaded = cls(plugins, drop_ins)
            for plugin, schema in loaded.call_each("register_config"):
                plugin.schema = check_schema(plugin, schema)
            check_sections(plugins, config)
        except BaseException:
            drop_ins.forget()
            raise
        return loaded

    def close(self) -> None:
        """Forgets the modules of the configured directory; the last call."""
        if self._drop_ins is not None:
            self._drop_ins.forget()

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._plugins)

    def __len__(self) -> int:
        return len(self._plugins)

    def get(self, name: str) -> Plugin | None:
        """The plugin of that name."""
        return next((plugin for plugin in self._plugins if plugin.name == name), None)

    def having(self, hook: str) -> list[Plugin]:
        """The plugins that implement the hook, in order."""
        return [plugin for plugin in self._plugins if hook in plugin.hooks]

    # At boot.

    def call_each(self, hook: str, **arguments: Any) -> list[tuple[Plugin, Any]]:
        """Calls a boot hook of each plugin that has it, with those of the arguments that it
        declares; `config` is its own section. None stands for no elements where a list is due.

        Raises SetupError `plugin 'order_list' failed in register_routes: … (file:line)`.
        """
        return [
            (plugin, self._call(plugin, hook, arguments, self._at_once))
            for plugin in self.having(hook)
        ]

    async def acall_each(self, hook: str, **arguments: Any) -> list[tuple[Plugin, Any]]:
        """`call_each` for `startup` and `shutdown`, whose answers are awaited one after another.

        `shutdown` goes in reverse over those whose startup went well, and raises nothing.
        """
        if hook == "shutdown":
            return await self._shut_down(arguments)
        results = []
        for plugin in self._plugins:
            if hook in plugin.hooks:
                answer = self._call(plugin, hook, arguments, lambda answer: answer)
                results.append((plugin, await self._awaited(plugin, hook, answer)))
            if hook == "startup":
                self._started.append(plugin)
        return results

    def _call(
        self, plugin: Plugin, hook: str, arguments: dict[str, Any], then: Callable[[Any], Any]
    ) -> Any:
        try:
            answer = then(plugin.hooks[hook](**plugin.own(arguments)))
            if hook not in LISTS:
                return answer
            if answer is not None and not isinstance(answer, list | tuple):
                raise SetupError(f"gave {type(answer).__name__}, expected a list")
        except BaseException as error:
            if ends_all(error):
                raise
            at = line_of(plugin.hooks[hook])
            raise boot_error(plugin.name, f"in {hook}", error, plugin.file, at) from error
        return list(answer or ())

    @staticmethod
    def _at_once(answer: Any) -> Any:
        if not inspect.isawaitable(answer):
            return answer
        if inspect.iscoroutine(answer):
            answer.close()
        raise SetupError("gave an awaitable, it may not be async")

    @staticmethod
    async def _awaited(plugin: Plugin, hook: str, answer: Any) -> Any:
        if not inspect.isawaitable(answer):
            return answer
        text = f"is still in {hook}, and the start waits for it"
        timer = asyncio.get_running_loop().call_later(
            plugin.call_seconds or STARTUP_SECONDS, plugin.say, hook, text, logging.WARNING
        )
        try:
            return await answer
        except BaseException as error:
            if ends_all(error):
                raise
            raise boot_error(plugin.name, f"in {hook}", error, plugin.file) from error
        finally:
            timer.cancel()

    async def _shut_down(self, arguments: dict[str, Any]) -> list[tuple[Plugin, Any]]:
        started, self._started = self._started, []
        results = []
        for plugin in reversed([plugin for plugin in started if "shutdown" in plugin.hooks]):
            calls = plugin.calls_of("shutdown", SHUTDOWN_SECONDS, words=())
            with contextlib.suppress(PluginFailed):  # the others must be shut down as well
                results.append(
                    (plugin, await calls.run(plugin.hooks["shutdown"], **plugin.own(arguments)))
                )
        return results

    def provide_topics(self, server: "Server", registry: Registry) -> None:
        """Fills in who owns which kind, from `register_topics`; each provider gets its `server`."""
        for plugin, providers in self.call_each("register_topics", server=server):
            for provider in providers:
                with booting(plugin, "register_topics"):
                    registry.add(provider, plugin)
                    provider.server = plugin.own({"server": server})["server"]
                    plugin.kinds.append(provider.kind)

    def models(self) -> list[type[StoreModel]]:
        """The tables of all plugins, from `register_models`; no two of one name."""
        found: dict[str, tuple[Plugin, type[StoreModel]]] = {}
        for plugin, models in self.call_each("register_models"):
            for model in models:
                if not (isinstance(model, type) and issubclass(model, StoreModel)):
                    error = SetupError(f"gave {model!r}, expected classes deriving from StoreModel")
                    raise boot_error(plugin.name, "in register_models", error, plugin.file)
                table = model._meta.table_name  # noqa: SLF001 - its public way, says Peewee
                first, _ = found.setdefault(table, (plugin, model))
                if first is not plugin:
                    raise SetupError(
                        f"plugins {first.name!r} and {plugin.name!r} both have a table {table}"
                    )
        return [model for _, model in found.values()]

    def migrations(self) -> list[tuple[str, Path]]:
        """The plugins' folders of migrations, by name; a relative one starts at its module."""
        folders = []
        for plugin, given_folder in self.call_each("register_migrations"):
            if given_folder is None:
                continue
            with booting(plugin, "register_migrations"):
                folder = Path(plugin.file).parent / given_folder
            if not folder.is_dir():
                error = SetupError(f"gave {given_folder}, which is no folder")
                raise boot_error(plugin.name, "in register_migrations", error, plugin.file)
            folders.append((plugin.name, folder))
        return folders

    # Under traffic.

    def filter(self, draft: Draft) -> Draft:
        """The draft as the plugins want it. Raises Denied, or Unavailable where one failed.
        Safe on any thread."""
        for change in self.filters:
            draft = change(draft)
        return draft

    async def veto(self, identity: Identity, action: str, topic: Topic) -> None:
        """Raises Denied where a plugin forbids what the topic's provider has allowed, whatever of
        the house's errors it raises itself, and Unavailable where one failed."""
        for allows in self.vetoes:
            if not await allows(identity, action, topic):
                raise Denied(f"{action} {topic.name}: not allowed")

    async def authenticate(self, credentials: Credentials) -> Identity | None:
        """Who shows these: the first plugin that knows; None where none does."""
        return await authenticate(self.authenticators, credentials)

    def describe(self) -> list[dict[str, Any]]:
        """What `tornado-chat plugins` and the health page show, in the order of loading."""
        waiting = self.observers.waiting()
        return [
            {
                "name": plugin.name,
                "version": plugin.version,
                "place": plugin.place,
                "file": plugin.file,
                "requires": list(plugin.requires),
                "hooks": sorted(plugin.hooks),
                "kinds": list(plugin.kinds),
                "mount": plugin.mount or "/",
                "failures": dict(plugin.failures),
                "calls": {hook: calls.describe() for hook, calls in plugin.calls.items()},
                "lost_events": plugin.lost,
                "waiting_events": waiting.get(plugin.name, 0),
                "delayed_writes": plugin.turnstile.delayed if plugin.turnstile else 0,
                "waiting_writes": plugin.turnstile.waiting if plugin.turnstile else 0,
            }
            for plugin in self._plugins
        ]
