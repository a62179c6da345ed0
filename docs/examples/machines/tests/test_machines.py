from pathlib import Path

MACHINES = Path(__file__).parents[1] / "plugins" / "machines.py"
PRESS = "/plugins/machines/press-1"


async def test_a_change_is_written_and_told(chat_server):
    async with chat_server(plugins=[MACHINES]) as chat:
        ann = await chat.connect("ann")
        assert (await ann.ok("subscribe", topic="machines:SHOP"))["state"] == {"machines": []}
        rest = chat.rest("bob")
        assert (await rest.put(PRESS, {"state": "stopped"})).json == {"changed": True}
        machine = {"id": "press-1", "state": "stopped", "version": 1}
        assert (await ann.push())["data"] == {"machine": machine}
        assert (await rest.put(PRESS, {"state": "stopped"})).json == {"changed": False}
        state = (await ann.ok("subscribe", topic="machines:SHOP"))["state"]
        assert state == {"machines": [machine]}
        assert (await rest.put(PRESS, {"stat": "running"})).status == 400
