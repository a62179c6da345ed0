"""Bare Tornado: a handler that echoes the body, a WebSocket that does nothing. What the framework
takes is the measure of what the house adds."""

import asyncio

from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


class Echo(RequestHandler):
    def post(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(self.request.body)


class Socket(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        pass


async def main() -> None:
    server = Application([("/echo", Echo), ("/ws", Socket)]).listen(0, "127.0.0.1", backlog=4096)
    [(_, listener)] = list(server._sockets.items())
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
