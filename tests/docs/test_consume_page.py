"""The plugin that docs/how-to/consume.md shows does what the page says."""

import re
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from support.consumers import until
from support.server import running_server
from tornado_chat.plugins import breaker

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "consume.md").read_text()
TABLES = {"plugins": {"disabled": ["order_list", "growerp"]}}


@pytest.fixture
async def receiver():
    """Another system: refuses the first call, and answers the others."""

    class Said(RequestHandler):
        def post(self):
            calls.append((self.request.headers["Idempotency-Key"], self.request.body))
            self.set_status(503 if len(calls) == 1 else 200)

    calls = []
    server = HTTPServer(Application([("/said", Said)]))
    sockets, port = bind_unused_port()
    server.add_socket(sockets)
    yield f"http://127.0.0.1:{port}/said", calls
    server.stop()


async def test_the_webhook_hears_everything_and_the_count_is_right(
    tmp_path, receiver, monkeypatch, logs
):
    monkeypatch.setattr(breaker, "FIRST_SECONDS", 0.05)
    logs.expect("plugin 'outgoing' failed in consumer webhook.handle: HTTPClientError")
    url, calls = receiver
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "outgoing.py").write_text(
        re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    )
    tables = {"plugins": {**TABLES["plugins"], "outgoing": {"url": url}}}
    async with running_server(tables, folder=tmp_path) as site, site.connect("ann") as ann:
        answer = await site.fetch(
            "POST", "/plugins/chat_rooms/rooms", {"members": ["u-bob"]}, name="ann"
        )
        room = answer.json["room"]["room_id"]
        topic = f"room:{room}"
        said = [
            await ann.ok("publish", topic=topic, data={"content": text}) for text in ("one", "two")
        ]
        await until(lambda: len(calls) >= 3)
        first, second = (f"{each['epoch']}-{each['id']}" for each in said)
        assert [key for key, _body in calls] == [first, first, second]
        assert b'"content": "two"' in calls[2][1]
        outgoing = site.server.plugins.get("outgoing").module.Outgoing
        counts = next(r for r in site.server.consumers.runners if r.consumer.name == "counts")
        await until(lambda: counts.stored >= said[1]["offset"])
        assert await site.server.read(lambda _tx: outgoing.get_by_id(room).messages) == 2
