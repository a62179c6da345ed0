"""The demonstration: a small company with rooms and a live order feed, on a server of its own.

It drives the server from outside, by HTTP as any front-end or shop would, and knows no plugin.
"""

import base64
import hashlib
import hmac
import json
import random
import secrets
import time
from pathlib import Path
from typing import Any

import click
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from tornado_chat.accounts.keys import new_key
from tornado_chat.app import Server
from tornado_chat.errors import SetupError

FOLDER = Path("tornado_chat_demo")
PASSWORD = "demo-password"  # noqa: S105 - printed for everybody, on a loopback address only
TENANT = "DEMO"
PEOPLE = (
    ("ann", "Ann", "Maas", True),
    ("bob", "Bob", "Prins", False),
    ("carl", "Carl", "Smit", False),
)
STEPS = ("OrderPlaced", "OrderApproved", "OrderShipped", "OrderCompleted")
ORDER_SECONDS, CHAT_SECONDS = 2.0, 7.0
LINES = (
    "the coffee machine works again",
    "who takes the delivery at four?",
    "order lists update by themselves now, have a look",
    "lunch at twelve?",
    "I will call the customer back",
)


def write_config(folder: Path) -> Path:
    """The demo's configuration, an ordinary one, with keys made for this folder."""
    path = folder / "tornado_chat.toml"
    if path.exists():
        return path
    folder.mkdir(exist_ok=True)
    users = "".join(
        f"""
[[users]]
user_id = "{name}"
login_name = "{name}@demo.example"
first_name = "{first}"
last_name = "{last}"
email = "{name}@demo.example"
tenant = "{TENANT}"
groups = ["{"GROWERP_M_ADMIN" if admin else "GROWERP_M_EMPLOYEE"}"]
permissions = [{'"*"' if admin else ""}]
password = "{PASSWORD}"
api_key = "{new_key()}"
"""
        for name, first, last, admin in PEOPLE
    )
    path.write_text(
        f"""# The demonstration. An ordinary configuration: conf/tornado_chat.toml explains every key.

[topics.OrderUpdate]
title = "${{message}}"
link = "/orders/${{orderId}}"
persist = true

[plugins.growerp.companies.{TENANT}]
name = "Demo Company"

[plugins.order_list]
tenant = "{TENANT}"
secret = "whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
{users}"""
    )
    path.chmod(0o600)
    return path


class Demo:
    """What people and the shop of the demo do, as long as it runs."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._http = AsyncHTTPClient(force_instance=True)
        self._keys = {user.user_id: user.api_key or "" for user in server.config.users}
        self._orders: list[dict[str, Any]] = []
        self._chance = random.Random()  # noqa: S311 - which order moves on is no secret
        self._room = ""

    async def begin(self) -> None:
        """Rooms and first orders, then the live feed, then what to try."""
        try:
            self._room = await self._rooms()
            for _ in range(8):
                await self._order()
        except (HTTPClientError, OSError) as error:
            raise SetupError(f"the demo could not be set up: {error}") from error
        self._server.background.every(ORDER_SECONDS, self._order)
        self._server.background.every(CHAT_SECONDS, self._chat)
        self._print()

    async def _call(self, method: str, path: str, who: str, body: Any = None) -> Any:
        request = HTTPRequest(
            self._server.url + path,
            method,
            {"api_key": self._keys[who], "Content-Type": "application/json"},
            None if body is None else json.dumps(body),
        )
        return json.loads((await self._http.fetch(request)).body)

    async def _rooms(self) -> str:
        path = "/plugins/chat_rooms/rooms"
        found = (await self._call("GET", path, "ann"))["rooms"]
        if not found:
            everybody = [name for name, *_ in PEOPLE]
            for body in (
                {"name": "Shop floor", "members": everybody},
                {"private": True, "members": ["bob"]},
            ):
                found.append((await self._call("POST", path, "ann", body))["room"])
        named = next((room for room in found if not room["private"]), found[0])
        return str(named["topic"])

    async def _order(self) -> None:
        """A new order, or one that moves a step on."""
        open_ones = [order for order in self._orders if order["status"] != STEPS[-1]]
        if open_ones and self._chance.random() < 0.6:
            order = self._chance.choice(open_ones)
            order["status"] = STEPS[STEPS.index(order["status"]) + 1]
        else:
            order = {
                "orderId": f"D{secrets.token_hex(4)}",
                "status": STEPS[0],
                "customer": self._chance.choice(["Maas Shop", "Prins & Son", "Café Smit"]),
                "total": f"{self._chance.randint(5, 500)}.{self._chance.randint(0, 99):02d}",
                "currency": "EUR",
                "placedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
            self._orders = [*self._orders[-50:], order]
        order["version"] = int(order.get("version", 0)) + 1
        await self._webhook({"order": order})

    async def _webhook(self, body: dict[str, Any]) -> None:
        """Signed as a shop would, https://www.standardwebhooks.com."""
        section = self._server.config.plugins.section("order_list")
        key = base64.b64decode(str(section["secret"]).removeprefix("whsec_"))
        delivery, now, text = (
            f"demo_{secrets.token_hex(8)}",
            str(int(time.time())),
            json.dumps(body),
        )
        signature = hmac.digest(key, f"{delivery}.{now}.{text}".encode(), hashlib.sha256)
        headers = {
            "webhook-id": delivery,
            "webhook-timestamp": now,
            "webhook-signature": "v1," + base64.b64encode(signature).decode(),
            "Content-Type": "application/json",
        }
        url = self._server.url + "/plugins/order_list/orders"
        await self._http.fetch(HTTPRequest(url, "POST", headers, text))

    async def _chat(self) -> None:
        who = self._chance.choice([name for name, *_ in PEOPLE])
        room = self._room.partition(":")[2]
        body = {
            "chatMessage": {"chatRoom": {"chatRoomId": room}, "content": self._chance.choice(LINES)}
        }
        await self._call("POST", "/rest/s1/growerp/100/ChatMessage", who, body)

    def _print(self) -> None:
        url, ann = self._server.url, self._keys["ann"]
        click.echo(f"\nThe demo keeps everything in {self._folder}/")
        click.echo(f"Open {url} in a browser, and sign in as one of these:\n")
        click.echo(f"  {'login':<18} {'password':<14} api key")
        for name, *_ in PEOPLE:
            click.echo(f"  {name + '@demo.example':<18} {PASSWORD:<14} {self._keys[name]}")
        click.echo(
            "\nOrders come in and people talk. To see it in a second terminal, paste this there:\n"
        )
        command = Path(".venv/bin/tornado-chat")
        program = command if command.exists() else "tornado-chat"
        click.echo(f"  {program} listen {url} {self._room} orders:{TENANT} --key {ann}\n")
        click.echo("Or ask by REST:\n")
        click.echo(f"  curl -H 'api_key: {ann}' '{url}/rest/s1/growerp/100/ChatRoom'\n")
        click.echo(f"Ctrl-C ends it; delete {self._folder}/ to begin anew.")
