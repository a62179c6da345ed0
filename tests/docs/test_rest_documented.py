"""docs/reference/rest.md leads to every route that there is, and shows what health answers."""

import json
import re
from pathlib import Path

from support.server import running_server

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "rest.md").read_text()
SOCKETS = {"/ws", "/chat", "/notws"}
GROWERP = "/rest/s1/growerp/100/"


def paths(site):
    """What the server listens to, as the page writes it."""
    house = site.server.listener._house
    yield from house.dialects
    for rule in house.wildcard_router.rules:
        path = rule.matcher.regex.pattern.removesuffix("$").replace("([^/]+)", "<id>")
        path = path.replace(r"\.", ".")
        if "(" not in path:
            yield path


async def test_every_route_is_led_to():
    async with running_server() as site:
        found = set(paths(site))
    assert found >= SOCKETS
    for path in found:
        below = path.partition("/rooms/<id>/")[2]
        named = f"`/{below}`" if below else f"`{path}`"
        assert named in TEXT or path.startswith(GROWERP), path


async def test_health_answers_as_the_page_says():
    async with running_server() as site:
        for path in ("/health/live", "/health/ready"):
            answer = await site.fetch("GET", path)
            shown = re.search(rf"`{path}` \| 200.*?`({{.*?}})`", TEXT)[1].replace(", …", "")
            assert answer.code == 200
            assert answer.json.keys() == json.loads(shown).keys()


def example(section):
    """The JSON that a section shows."""
    return json.loads(re.search(rf"## {section}\n.*?```json\n(.*?)```", TEXT, re.DOTALL)[1])


async def test_the_examples_of_people():
    async with running_server() as site:
        account = (await site.fetch("GET", "/account", name="ann")).json
        assert account["user"].keys() == example("Signing in and out").keys()
        people = (await site.fetch("GET", "/people", name="ann")).json
        assert people.keys() == example("People").keys()
        assert people["people"][0].keys() == example("People")["people"][0].keys()


async def test_the_example_of_an_error():
    shown = example("Errors")
    async with running_server() as site:
        answer = await site.fetch("GET", "/plugins/chat_rooms/roms", name="ann")
        assert (answer.code, answer.json) == (404, shown)
        answer = await site.fetch("PUT", "/plugins/chat_rooms/rooms", {}, name="ann")
        assert (answer.code, answer.json["error"]["code"]) == (405, "bad_request")
