"""The running server of a configuration, asked how its plugins are."""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any

from tornado_chat.config import Config
from tornado_chat.errors import SetupError

SECONDS = 3.0  # for it to answer
PERMISSION = "status"
ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - as it may be set


class NotTold(Exception):
    """Why nothing is known of it; for people."""


@dataclass(frozen=True, slots=True)
class Running:
    """What it told. `names`: of the plugins that it has loaded; `health`: by name, as
    `/health/ready` has it."""

    url: str
    names: tuple[str, ...]
    health: dict[str, Any]


def ask(config: Config, key: str | None) -> Running:
    """`key` None: that of a user of the file who may know. Raises NotTold."""
    if not config.server.port:
        raise NotTold("server.port is 0, so nobody knows where it listens")
    key = key or own_key(config)
    if key is None:
        raise NotTold(
            "it tells whoever may: give --key or TORNADO_CHAT_KEY, or let a user of the file have "
            f'an api_key and permissions = ["{PERMISSION}"]'
        )
    address = ANYWHERE.get(config.server.address, config.server.address)
    scheme = "https" if config.server.tls_certificate else "http"
    shown = f"[{address}]" if ":" in address else address
    url = f"{scheme}://{shown}:{config.server.port}"
    try:
        answer = get(config, address, key)
    except ssl.SSLError:
        text = f"what answers at {url} has another certificate than server.tls_certificate"
        raise NotTold(text) from None
    except (OSError, http.client.HTTPException):
        raise NotTold(f"nothing answers at {url}") from None
    except ValueError:
        raise NotTold(f"what answers at {url} is no tornado_chat, or the key is none") from None
    if "plugin_health" not in answer:
        ready = answer.get("ready") is True
        reason = f"tells this key nothing: it needs the permission {PERMISSION}"
        raise NotTold(f"the one at {url} {reason if ready else 'is not ready'}")
    return Running(url, tuple(answer["plugins"]), answer["plugin_health"])


def own_key(config: Config) -> str | None:
    """Of the first user of the file who may know how the server is."""
    for user in config.users:
        if user.api_key and {PERMISSION, "*"} & set(user.permissions):
            return user.api_key
    return None


def get(config: Config, address: str, key: str) -> dict[str, Any]:
    """What `/health/ready` answers. Raises OSError, HTTPException, and ValueError where it is not
    what is expected."""
    port, context = config.server.port, trust(config)
    connection: http.client.HTTPConnection
    if context is None:
        connection = http.client.HTTPConnection(address, port, timeout=SECONDS)
    else:
        connection = http.client.HTTPSConnection(address, port, timeout=SECONDS, context=context)
    try:
        connection.request("GET", "/health/ready", headers={"api_key": key})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError("no object")  # noqa: TRY004 - of JSON, as what is no JSON at all
    return answer


def trust(config: Config) -> ssl.SSLContext | None:
    """Of the certificate that the configuration names, whatever name it is for; None without one."""
    if config.server.tls_certificate is None:
        return None
    try:
        context = ssl.create_default_context(cafile=config.server.tls_certificate)
    except OSError as error:
        raise SetupError(f"in server.tls_certificate: {error}") from None
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it need not be an authority's
    return context
