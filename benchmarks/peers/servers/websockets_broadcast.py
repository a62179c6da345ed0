"""The library `websockets`: its own `broadcast`, no compression, uvloop."""

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

hearing: set[ServerConnection] = set()


async def handle(connection: ServerConnection) -> None:
    assert connection.request is not None
    if connection.request.path == "/pub":
        async for text in connection:
            broadcast(hearing, text)
        return
    hearing.add(connection)
    try:
        await connection.wait_closed()
    finally:
        hearing.discard(connection)


async def main() -> None:
    async with serve(
        handle, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096
    ) as server:
        print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


uvloop.run(main())
