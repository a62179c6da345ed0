"""What must be right about a plugin before it is used: version, hooks, needs, settings, providers.

Each fault is a SetupError that names the plugin and says what to write instead.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pluggy
from marshmallow import Schema

from tornado_chat import hookspecs
from tornado_chat.config import PluginsConfig, check_section
from tornado_chat.config.values import MOUNTS
from tornado_chat.errors import SetupError
from tornado_chat.plugins.faults import boot_error, booting
from tornado_chat.plugins.source import Hook, Plugin
from tornado_chat.topics import TopicProvider

API = 1

MAY_BE_ASYNC = frozenset(
    {
        "startup",
        "shutdown",
        "authenticate",
        "authorize",
        "message_published",
        "session_opened",
        "session_closed",
    }
)
METHODS: dict[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(getattr(TopicProvider, name)).parameters)[1:]
    for name in (
        *("start", "stop", "authorize", "receive", "snapshot", "seen"),
        *("audience", "visible", "append_in", "pruned_in"),
    )
}
MAY_NOT_WAIT = frozenset({"audience", "visible", "append_in", "pruned_in"})
SPECS: dict[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(spec).parameters)
    for name, spec in vars(hookspecs).items()
    if hasattr(spec, f"{hookspecs.PROJECT}_spec")
}


def nearest(name: str, names: Iterable[str]) -> str:
    """The tail of an error about a name that nobody knows."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""


def check_api(plugin: Plugin) -> None:
    """It is made for this interface."""
    if plugin.api is None:
        raise SetupError(
            f"plugin {plugin.name!r} ({plugin.file}): it does not say for which interface it is "
            f"made; add the line: api = {API}"
        )
    if plugin.api != API:
        raise SetupError(
            f"plugin {plugin.name!r} ({plugin.file}): made for api {plugin.api!r}, "
            f"this server has api {API}"
        )


def find_hooks(plugins: Iterable[Plugin]) -> None:
    """Fills `plugin.hooks`. Nothing that looks like a hook is left out in silence."""
    host = pluggy.PluginManager(hookspecs.PROJECT)
    host.add_hookspecs(hookspecs)
    for plugin in plugins:
        for name in dir(plugin.module):
            options = host.parse_hookimpl_opts(plugin.module, name)
            function = getattr(plugin.module, name)
            if options is not None:
                hook = options.get("specname") or name
                if hook in SPECS or not options.get("optionalhook"):
                    plugin.hooks[hook] = resolve(plugin, hook, function, options)
            elif name in SPECS and _defined_in(plugin, function):
                raise SetupError(f"{_at(plugin, function)}: {name}() lacks its @hookimpl")
        try:
            host.register(plugin.module, plugin.name)
        except ValueError as error:  # one module under two names
            raise SetupError(f"plugin {plugin.name!r} ({plugin.file}): {error}") from error
    host.check_pending()


def resolve(
    plugin: Plugin, hook: str, function: Callable[..., Any], options: Mapping[str, Any]
) -> Hook:
    """The function as it will be called. Raises SetupError where it cannot be."""
    at = _at(plugin, function)
    if hook not in SPECS:
        raise SetupError(f"{at}: no such hook: {hook}{nearest(hook, SPECS)}")
    if options.get("wrapper") or options.get("hookwrapper"):
        raise SetupError(f"{at}: {hook} may not be a wrapper: each plugin is called by itself")
    if inspect.iscoroutinefunction(function) and hook not in MAY_BE_ASYNC:
        raise SetupError(f"{at}: {hook} may not be async")
    declared: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            declared += [known for known in SPECS[hook] if known not in declared]
        elif name in SPECS[hook] and parameter.kind is not parameter.POSITIONAL_ONLY:
            declared.append(name)
        elif (
            parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
        ):
            gives = ", ".join(SPECS[hook]) or "nothing"
            raise SetupError(f"{at}: {hook} is given {gives}, it has no argument {name!r}")
    return Hook(function, tuple(declared), plugin)


def check_provider(plugin: Plugin, provider: TopicProvider) -> None:
    """Its methods can be called as they will be, and what is posted can be checked."""
    for name, given in METHODS.items():
        method = getattr(provider, name)
        at = f"{_at(plugin, getattr(method, '__func__', method))}: {type(provider).__name__}.{name}"
        if inspect.iscoroutinefunction(method) and name in MAY_NOT_WAIT:
            raise SetupError(f"{at} may not be async")
        try:
            inspect.signature(method).bind(*given)
        except TypeError as error:
            gives = ", ".join(given) or "nothing"
            raise SetupError(f"{at} is given {gives}: {error}") from None
    schema = provider.data_schema
    if schema is not None and not (isinstance(schema, type) and issubclass(schema, Schema)):
        raise SetupError(
            f"plugin {plugin.name!r}: {type(provider).__name__}.data_schema is {schema!r}, "
            "expected None or a marshmallow schema, the class"
        )


def _at(plugin: Plugin, function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    where = f"{code.co_filename}:{code.co_firstlineno}" if code else plugin.file
    return f"plugin {plugin.name!r} ({where})"


def _defined_in(plugin: Plugin, thing: Any) -> bool:
    return inspect.isfunction(thing) and thing.__module__ == plugin.module.__name__


def in_order(plugins: Sequence[Plugin], disabled: Sequence[str]) -> list[Plugin]:
    """Those that are required before those that require them, else as they were found."""
    by_name = {plugin.name: plugin for plugin in plugins}
    ordered: list[Plugin] = []

    def enter(plugin: Plugin, path: tuple[str, ...]) -> None:
        if plugin in ordered:
            return
        for name in _required(plugin):
            if name in path:
                ring = " -> ".join((*path[path.index(name) :], name))
                raise SetupError(f"plugins {plugin.name!r} and {name!r} require each other: {ring}")
            if name not in by_name:
                state = "disabled" if name in disabled else "not installed"
                near = "" if name in disabled else nearest(name, by_name)
                raise SetupError(
                    f"plugin {plugin.name!r} requires {name!r}, which is {state}{near}"
                )
            enter(by_name[name], (*path, name))
        ordered.append(plugin)

    for plugin in plugins:
        enter(plugin, (plugin.name,))
    return ordered


def _required(plugin: Plugin) -> Sequence[str]:
    names = plugin.requires
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise SetupError(
            f"plugin {plugin.name!r} ({plugin.file}): requires: expected a list of names"
        )
    return names


def check_sections(plugins: Sequence[Plugin], config: PluginsConfig) -> None:
    """Gives each plugin its section, checked by its own schema, and where its routes lie: as
    the section says in `mount`. Nothing that a plugin says itself gives it the root."""
    names = [plugin.name for plugin in plugins]
    for name in config.sections:
        if name not in names and name not in config.disabled:
            raise SetupError(
                f"in plugins.{name}: no such plugin is installed{nearest(name, names)}"
            )
    for plugin in plugins:
        path = f"plugins.{plugin.name}"
        section = dict(config.section(plugin.name))
        mount = section.pop("mount", MOUNTS.get(plugin.name, plugin.mount))
        if plugin.schema is None and section:
            raise SetupError(f"in {path}: this plugin has no settings, but for mount")
        with booting(plugin, "register_config"):
            plugin.config = check_section(path, plugin.schema, section)
        if mount not in ("/", plugin.mount):
            raise SetupError(f'in {path}.mount: only "/" or "{plugin.mount}" may stand here')
        plugin.mount = "" if mount == "/" else plugin.mount


def check_schema(plugin: Plugin, schema: Any) -> Schema | type[Schema] | None:
    """What `register_config` gave, if it is a schema."""
    if schema is None or isinstance(schema, Schema):
        return schema
    if isinstance(schema, type) and issubclass(schema, Schema):
        return schema
    error = SetupError(f"gave {schema!r}, expected a marshmallow schema")
    raise boot_error(plugin.name, "in register_config", error, plugin.file)
