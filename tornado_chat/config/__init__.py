"""Configuration: one TOML file, the environment and `--set`, checked at once into frozen values.

    sources   where settings come from     values   what becomes of them
    fields    kinds of value               schema, entries   every key, its default and its reason
    check     tables against schemas, ours and those of plugins
    shown     what an admin may see of it
    reference the file conf/tornado_chat.toml and the page of the manual, written from the schema

It must never show a value in an error: it may be a secret in the wrong place.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tornado_chat.config.check import check, check_section
from tornado_chat.config.schema import ConfigSchema
from tornado_chat.config.sources import (
    Fetch,
    Problems,
    join,
    overlay_environ,
    overlay_sets,
    read_toml,
)
from tornado_chat.config.values import (
    AuthConfig,
    Config,
    DeliveryConfig,
    EngineConfig,
    GrowerpAuthConfig,
    KeepConfig,
    LimitsConfig,
    LogConfig,
    PluginsConfig,
    RetentionConfig,
    ServerConfig,
    StoreConfig,
    TopicConfig,
    UserConfig,
)

__all__ = [
    "AuthConfig",
    "Config",
    "DeliveryConfig",
    "EngineConfig",
    "GrowerpAuthConfig",
    "KeepConfig",
    "LimitsConfig",
    "LogConfig",
    "PluginsConfig",
    "RetentionConfig",
    "ServerConfig",
    "StoreConfig",
    "TopicConfig",
    "UserConfig",
    "build",
    "check_section",
    "join",
    "load",
]


def load(
    path: Path | None = None,
    sets: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of a file (None: no file, all defaults), with what overrides it.

    The environment goes over the file, `--set` (items `server.port=9000`) over both. `environ`
    None is that of the process. Raises SetupError that names everything wrong by its path.
    """
    data = read_toml(path) if path else {}
    return build(data, path=path, sets=sets, environ=os.environ if environ is None else environ)


def build(
    data: Mapping[str, Any],
    *,
    path: Path | None = None,
    sets: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The same from the tables of a file; `environ` None is an empty one."""
    path = path.absolute() if path else None
    folder = path.parent if path else Path.cwd()
    problems = Problems()
    tables = Fetch(folder, environ or {}, problems).tree(data)
    overlay_environ(tables, environ or {}, problems)
    overlay_sets(tables, sets, problems)
    config = check(ConfigSchema(), tables, problems)
    problems.raise_any()
    outside = frozenset({*problems.pointed, *problems.origins})
    return _placed(replace(config, path=path, outside=outside), folder)


def _placed(config: Config, folder: Path) -> Config:
    """With every path absolute, so that it stays true wherever the process goes."""
    server, url = config.server, config.auth.growerp.url
    return replace(
        config,
        server=replace(
            server,
            tls_certificate=server.tls_certificate and folder / server.tls_certificate,
            tls_key=server.tls_key and folder / server.tls_key,
        ),
        store=replace(config.store, url=_placed_url(config.store.url, folder)),
        auth=replace(
            config.auth, growerp=replace(config.auth.growerp, url=url and url.rstrip("/"))
        ),
        plugins=replace(config.plugins, directory=folder / config.plugins.directory),
    )


def _placed_url(url: str, folder: Path) -> str:
    """`sqlite:///FILE` from the folder; four slashes begin at the root, no file is memory."""
    scheme, slashes, file = url.partition(":///")
    if scheme != "sqlite" or not slashes or file in {"", ":memory:"} or file.startswith("/"):
        return url
    name, query, options = file.partition("?")
    return f"sqlite:///{folder / name}{query}{options}"
