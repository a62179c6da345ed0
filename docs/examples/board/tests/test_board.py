from pathlib import Path

from tornado_chat.testing import plugin_contract

BOARD = Path(__file__).parents[1] / "plugins" / "board.py"


async def test_a_note_arrives_and_stands_in_the_snapshot(chat_server):
    async with chat_server(plugins=[BOARD]) as chat:
        ann = await chat.connect("ann")
        bob = await chat.connect("bob")
        joined = await ann.ok("subscribe", topic="board:lobby")
        assert joined["state"] == {"notes": []}
        sent = await bob.ok("publish", topic="board:lobby", data={"text": "Hello"})
        assert (await ann.push())["data"] == {"text": "Hello"}
        joined = await bob.ok("subscribe", topic="board:lobby")
        assert joined["state"] == {"notes": [{"id": sent["id"], "text": "Hello"}]}


async def test_a_note_without_a_text_is_refused(chat_server):
    async with chat_server(plugins=[BOARD]) as chat:
        ann = await chat.connect("ann")
        assert await ann.refused("publish", topic="board:lobby", data={}) == "bad_request"


async def test_the_hook_writes_a_note(chat_server):
    async with chat_server(plugins=[BOARD]) as chat:
        ann = await chat.connect("ann")
        await ann.ok("subscribe", topic="board:lobby")
        answer = await chat.rest("bob").post("/plugins/board/lobby", {"text": "Build 7 is green"})
        assert answer.status == 200
        push = await ann.push()
        assert (push["sender_name"], push["data"]) == ("hook", {"text": "Build 7 is green"})
        assert (await chat.rest().post("/plugins/board/lobby", {"text": "?"})).status == 401


def put_up(state, data, push):
    """The board of somebody who had this state and is pushed this."""
    notes = {note["id"]: note for note in state["notes"]} | {push["id"]: {"id": push["id"], **data}}
    return {"notes": [notes[each] for each in sorted(notes, key=int)[-3:]]}


async def test_the_board_keeps_the_contract():
    notes = [{"text": text} for text in ("one", "two", "three", "four")]
    await plugin_contract(BOARD, "board:lobby", notes, apply=put_up)
