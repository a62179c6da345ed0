"""What the server was told: a tree of frozen values, checked and complete.

Names, meaning and defaults of all keys stand in `schema.py`; here are only their types. Secrets
are left out of every repr.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ServerConfig:
    address: str
    port: int
    trusted_proxies: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    tls_certificate: Path | None  # absolute
    tls_key: Path | None  # absolute; given exactly when the certificate is
    drain_seconds: float
    page: bool


@dataclass(frozen=True, slots=True)
class StoreConfig:
    url: str = field(repr=False)  # may hold a password; a path of SQLite in it is absolute
    durability: str


@dataclass(frozen=True, slots=True)
class EngineConfig:
    url: str = field(repr=False)  # may hold a password


@dataclass(frozen=True, slots=True)
class GrowerpAuthConfig:
    url: str | None  # without a slash at its end; never None when the back-end is in use
    recheck_minutes: float
    timeout_seconds: float
    calls_at_once: int


@dataclass(frozen=True, slots=True)
class AuthConfig:
    backends: tuple[str, ...]
    key_days: float
    growerp: GrowerpAuthConfig


@dataclass(frozen=True, slots=True)
class DeliveryConfig:
    replay_messages: int
    replay_hours: float
    settle_seconds: float
    ping_seconds: float
    publish_key_hours: float
    pair_seconds: float


@dataclass(frozen=True, slots=True)
class KeepConfig:
    """How much of a topic is kept; 0: all of it."""

    messages: int
    days: float


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    messages: int
    days: float
    per: Mapping[str, KeepConfig]  # by the name of a kind or a topic, its gaps already filled

    def named(self, kind: str, name: str) -> KeepConfig | None:
        """The word on this one topic, else on its kind; None where there is neither."""
        return self.per.get(name) or self.per.get(kind)

    def of(self, kind: str, name: str) -> KeepConfig:
        """What holds for a topic: the word on its name, else on its kind, else on all."""
        return self.named(kind, name) or KeepConfig(self.messages, self.days)


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """Bounds on what one client can make us spend; 0: no limit."""

    frame_bytes: int
    body_bytes: int
    json_depth: int
    frames_per_second: float
    sockets_per_user: int
    subscriptions_per_socket: int
    outbox_bytes: int
    outbox_total_bytes: int
    auth_attempts_per_minute: float


@dataclass(frozen=True, slots=True)
class LogConfig:
    level: str
    format: str


@dataclass(frozen=True, slots=True)
class UserConfig:
    user_id: str
    login_name: str
    full_name: str  # never empty
    first_name: str
    last_name: str
    email: str
    tenant: str | None
    groups: tuple[str, ...]
    permissions: tuple[str, ...]
    api_key: str | None = field(repr=False)
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TopicConfig:
    """What a notification topic says where the sender does not (Moqui's NotificationTopic)."""

    description: str | None
    title: str | None
    error_title: str | None
    link: str | None
    type: str
    show_alert: bool
    alert_no_auto_hide: bool
    persist: bool
    receive: bool


# What a file that says nothing grants: GrowERP's front-ends know their resources at the root.
MOUNTS = {"growerp": "/"}


@dataclass(frozen=True, slots=True)
class PluginsConfig:
    directory: Path  # absolute; need not exist
    disabled: tuple[str, ...]
    # As they stand in the file, by plugin: `check_section` turns one into what its plugin gets.
    sections: Mapping[str, Mapping[str, Any]] = field(repr=False)
    call_seconds: float = 10.0

    def section(self, name: str) -> Mapping[str, Any]:
        """The section of a plugin, not yet checked; empty where the file says nothing."""
        return self.sections.get(name, {})


@dataclass(frozen=True, slots=True)
class Config:
    server: ServerConfig
    store: StoreConfig
    engine: EngineConfig
    auth: AuthConfig
    delivery: DeliveryConfig
    retention: RetentionConfig
    limits: LimitsConfig
    log: LogConfig
    users: tuple[UserConfig, ...]
    topics: Mapping[str, TopicConfig]
    plugins: PluginsConfig
    path: Path | None = None  # of the file; None where there was none
    # Paths of keys whose values were kept elsewhere, or were set over the file
    outside: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def folder(self) -> Path:
        """What relative paths start from: the folder of the file, else where we stand."""
        return self.path.parent if self.path else Path.cwd()
