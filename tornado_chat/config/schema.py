"""Every key of the file: its type, its default, its bounds, and why one would change it.

`metadata["doc"]` becomes the comment in conf/tornado_chat.toml and the text of the reference page,
`metadata["example"]` is shown where there is no default. The doc of a section is its docstring.
"""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from tornado_chat.config import values
from tornado_chat.config.check import Section
from tornado_chat.config.entries import PluginsSchema, topics, users
from tornado_chat.config.fields import (
    SOME,
    choice,
    file,
    flag,
    network,
    number,
    origin,
    table,
    text,
    texts,
    url_of,
    whole,
)


class ServerSchema(Section):
    """The one address that everything is served on: sockets, REST, health, the web page."""

    makes = values.ServerConfig
    address = text(
        "127.0.0.1",
        "Where to listen. The default is reached from this machine only, which is right behind "
        'nginx; "0.0.0.0" or "::" is every address of the machine, then give a certificate.',
        SOME,
    )
    port = whole(8080, "0 takes a free one; the line printed at the start names it.", 0, 65535)
    trusted_proxies = texts(
        ("127.0.0.1", "::1"),
        "Addresses or networks of proxies whose X-Forwarded-For is "
        "believed. With an empty list none is, and all clients behind a proxy count as one.",
        network,
    )
    allowed_origins = texts(
        ("*",),
        'Web pages that may open a socket or call REST, as scheme://host[:port]; "*" is any. Any '
        "is safe here, because there are no cookies: a page can do nothing with a key it does "
        "not have.",
        origin,
    )
    tls_certificate = file(
        None,
        "PEM file with the certificate and its chain, where no proxy in front does TLS.",
        example="/etc/tornado_chat/fullchain.pem",
    )
    tls_key = file(
        None, "PEM file with the key of the certificate.", example="/etc/tornado_chat/privkey.pem"
    )
    drain_seconds = number(
        10.0,
        "SIGTERM: over how many seconds the open sockets are told to come back, so that they do "
        "not all return at once. Keep it 15 s below what systemd waits (TimeoutStopSec).",
    )
    page = flag(
        "Whether the web page is served: chat and notifications in a browser, at / and below "
        "/page/. Sockets and REST are the same without it.",
        default=True,
    )

    @validates_schema
    def both_of_tls(self, data: dict[str, Any], **_: Any) -> None:
        given = [name for name in ("tls_certificate", "tls_key") if data.get(name)]
        if len(given) == 1:
            other = {"tls_certificate": "tls_key", "tls_key": "tls_certificate"}[given[0]]
            raise ValidationError(f"missing, since {given[0]} is given", other)


class StoreSchema(Section):
    """Where everything is kept that must last."""

    makes = values.StoreConfig
    url = text(
        "sqlite:///tornado_chat.db",
        "sqlite:///FILE, from the folder of this file, or sqlite:////FILE from the root, or "
        "postgresql://USER:PASSWORD@HOST/DATABASE, which needs the extra tornado_chat[postgresql].",
        url_of("sqlite", "postgresql", "postgres"),
    )
    durability = choice(
        "full",
        "full: what was acknowledged survives a power cut. relaxed: it survives a crash of the "
        "process, and a power cut may take the last moments; faster on slow disks.",
        "full",
        "relaxed",
    )


class EngineSchema(Section):
    """How several processes over one database ring each other."""

    makes = values.EngineConfig
    url = text(
        "memory:",
        "memory: is one process. redis://HOST:PORT/N is several, and needs the extra "
        "tornado_chat[redis].",
        url_of("memory", "redis", "rediss"),
    )


class GrowerpAuthSchema(Section):
    """The Moqui that is asked about people, where backends names growerp."""

    makes = values.GrowerpAuthConfig
    url = text(
        None,
        "Its address, without /rest.",
        url_of("http", "https"),
        example="http://localhost:8081",
    )
    recheck_minutes = number(
        5.0,
        "How long an answer about a key holds: after a logout there, this long at most until its "
        "sockets end here.",
        above_zero=True,
    )
    timeout_seconds = number(10.0, "How long one call may take.", above_zero=True)
    calls_at_once = whole(8, "How many calls may be under way; the others wait.", 1)


class AuthSchema(Section):
    """Who people are."""

    makes = values.AuthConfig
    backends = texts(
        ("local",),
        "Asked in this order. local: the users of this file and of the database. growerp: a "
        "Moqui, see [auth.growerp]. Plugins may know others.",
        validate.OneOf(("local", "growerp")),
    )
    key_days = number(
        6.0, "How long a key lives that a login gave; as long as Moqui's.", above_zero=True
    )
    growerp = table(GrowerpAuthSchema)

    @validates_schema
    def url_of_growerp(self, data: dict[str, Any], **_: Any) -> None:
        if "growerp" in data["backends"] and not data["growerp"].url:
            raise ValidationError({"growerp": {"url": ["missing, since backends names growerp"]}})


class DeliverySchema(Section):
    """What is sent again to a client that lost its connection."""

    makes = values.DeliveryConfig
    replay_messages = whole(
        1000,
        "A GrowERP socket is sent again what its person has not had for sure, the newest so many; "
        "0: nothing.",
    )
    replay_hours = number(72.0, "Nothing older than this is sent again; 0: nothing.")
    settle_seconds = number(
        2.0,
        "A GrowERP front-end drops frames until it listens: it gets nothing before its first "
        "frame or this time.",
    )
    ping_seconds = number(
        20.0,
        "How often an idle socket is pinged. Keep it below the read timeout of a proxy in front.",
        above_zero=True,
    )
    publish_key_hours = number(
        24.0, "How long a publish that comes again with the same key is known.", above_zero=True
    )
    pair_seconds = number(
        10.0,
        "Older GrowERP front-ends send each message by socket and by REST. The two are one where "
        "they come within this time; 0: never.",
    )


KEEP_DOC = (
    "The newest so many messages of each topic; 0: all.",
    "Nothing older than so many days; 0: all.",
)


class KeepSchema(Section):
    """For one kind of topic, or for one topic by its full name, which goes before its kind:
    [retention.room], [retention."room:100205"], [retention.OrderUpdate]; a name means the topics of
    that name in all tenants. What is left out is as in [retention]."""

    makes = values.KeepConfig
    messages = whole(None, KEEP_DOC[0])
    days = number(None, KEEP_DOC[1])


class RetentionSchema(Section):
    """How much history is kept. The default is all of it: what people wrote is theirs to drop.
    What is too old is deleted soon after the start and then every ten minutes, in small steps; who
    comes back later than that is told that he missed something. Files do not become smaller: what is
    freed is used again. A plugin may say how much is kept of its own topics; what stands here about
    their kind or name goes before that, [retention] itself does not."""

    makes = values.RetentionConfig
    rest = "per"
    messages = whole(0, KEEP_DOC[0])
    days = number(0.0, KEEP_DOC[1])
    per = fields.Dict(
        fields.String(validate=SOME),
        fields.Nested(KeepSchema),
        load_default=dict,
        metadata={"example": "room"},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> values.RetentionConfig:
        per = {
            name: values.KeepConfig(
                data["messages"] if keep.messages is None else keep.messages,
                data["days"] if keep.days is None else keep.days,
            )
            for name, keep in data["per"].items()
        }
        return values.RetentionConfig(data["messages"], data["days"], per)


class LimitsSchema(Section):
    """What one client may make us spend; 0 anywhere: no limit."""

    makes = values.LimitsConfig
    frame_bytes = whole(
        65536, "One native frame, and the data of one message on every path, REST included."
    )
    body_bytes = whole(1048576, "The body of one HTTP request.")
    json_depth = whole(32, "How deep tables and lists may lie in one another in what comes in.")
    frames_per_second = number(
        50.0, "Of one socket. Above it the socket is read more slowly, and nothing is dropped."
    )
    sockets_per_user = whole(
        20,
        "Of one person. Above it the one that proved itself longest ago goes, or else the new one "
        "is refused.",
    )
    subscriptions_per_socket = whole(1000, "Topics that one native socket may listen to.")
    outbox_bytes = whole(
        1048576,
        "What may wait for one slow socket. Above it live pushes stop, and the socket reads what "
        "it missed from the log when it can.",
    )
    outbox_total_bytes = whole(268435456, "What may wait for all sockets together.")
    auth_attempts_per_minute = number(
        60.0,
        "Unknown keys and wrong passwords that one address may try. A front-end with an old key "
        "tries twelve times a minute; a key that is known costs nothing.",
    )


class LogSchema(Section):
    """What is written to stderr. Never a key, a password or the text of a message."""

    makes = values.LogConfig
    level = choice("info", "From here on upwards.", "debug", "info", "warning", "error")
    format = choice(
        "text", "json is one object a line, for a program that reads it.", "text", "json"
    )


class ConfigSchema(Section):
    """The whole file."""

    makes = values.Config
    server = table(ServerSchema)
    store = table(StoreSchema)
    engine = table(EngineSchema)
    auth = table(AuthSchema)
    delivery = table(DeliverySchema)
    retention = table(RetentionSchema)
    limits = table(LimitsSchema)
    log = table(LogSchema)
    users = users()
    topics = topics()
    plugins = table(PluginsSchema)
