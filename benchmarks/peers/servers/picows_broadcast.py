"""picows: one prepared buffer for all, no copy a client, uvloop."""

import asyncio

import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

HEADER = 14  # bytes that picows wants before the message
hearing: set[WSTransport] = set()


class Hearer(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        hearing.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        hearing.discard(transport)


class Sayer(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        buffer = bytearray(HEADER) + frame.get_payload_as_memoryview()
        for each in hearing:
            each.send_reuse_external_bytearray(WSMsgType.TEXT, buffer, HEADER)


def listener(request: WSUpgradeRequest) -> WSListener:
    return Sayer() if request.path == b"/pub" else Hearer()


async def main() -> None:
    server = await ws_create_server(listener, "127.0.0.1", 0, backlog=4096)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


uvloop.run(main())
