"""The running server of a configuration, asked how its plugins are."""

import http.client
import json
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado_chat.config import Config
from tornado_chat.errors import SetupError
from tornado_chat.messages import EVERYTHING

SECONDS = 3.0  # for it to answer
PERMISSION = "status"
PEM = re.compile(f"{ssl.PEM_HEADER}.*?{ssl.PEM_FOOTER}", re.DOTALL)
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
        if user.api_key and {PERMISSION, *EVERYTHING} & set(user.permissions):
            return user.api_key
    return None


def get(config: Config, address: str, key: str) -> dict[str, Any]:
    """What `/health/ready` answers. Raises OSError, HTTPException, and ValueError where it is not
    what is expected."""
    connection = connect(config, address)
    try:
        connection.request("GET", "/health/ready", headers={"api_key": key})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError("no object")  # noqa: TRY004 - of JSON, as what is no JSON at all
    return answer


def connect(config: Config, address: str) -> http.client.HTTPConnection:
    """Before the key is shown. Raises SSLError where it has another certificate than the file: no
    other will do, whoever signed it, and whatever name and time it is for."""
    port, file = config.server.port, config.server.tls_certificate
    if file is None:
        return http.client.HTTPConnection(address, port, timeout=SECONDS)
    certificate = read_certificate(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is compared below
    connection = http.client.HTTPSConnection(address, port, timeout=SECONDS, context=context)
    connection.connect()
    if connection.sock.getpeercert(binary_form=True) != certificate:
        connection.close()
        raise ssl.SSLError("another certificate")
    return connection


def read_certificate(file: Path | str) -> bytes:
    """The first of the file, which is the server's own; those of authorities come after it."""
    try:
        found = PEM.search(Path(file).read_text(encoding="ascii", errors="replace"))
        if found is None:
            raise ValueError(f"{file}: no certificate")
        return ssl.PEM_cert_to_DER_cert(found[0])
    except (OSError, ValueError) as error:
        raise SetupError(f"in server.tls_certificate: {error}") from None
