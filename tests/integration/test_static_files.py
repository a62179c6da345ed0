"""The files that browsers fetch: `/client.js` and what it is made of."""

import re

import pytest

from support.server import running_server
from tornado_chat.web import files

MODULES = sorted(f"/{path.relative_to(files.FOLDER)}" for path in files.FOLDER.rglob("*.js"))


@pytest.fixture
async def site():
    async with running_server() as running:
        yield running


@pytest.mark.parametrize("path", MODULES)
async def test_a_module_is_served(site, path):
    answer = await site.fetch("GET", path)
    assert (answer.code, answer.body) == (200, (files.FOLDER / path[1:]).read_bytes())
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_the_door_leads_to_all_modules_and_to_nothing_else(site):
    found, waiting = set(), ["/client.js"]
    while waiting:
        path = waiting.pop()
        found.add(path)
        text = (await site.fetch("GET", path)).body.decode()
        code = re.sub(r"/\*\*.*?\*/", "", text, flags=re.DOTALL)
        for name in re.findall(r'from "\./(?:client/)?(\w+\.js)"', code):
            if f"/client/{name}" not in found:
                waiting.append(f"/client/{name}")
        assert "://" not in re.sub(r"//.*", "", code).replace("}://${", "")
    assert sorted(found | {"/client/types.js"}) == MODULES


async def test_what_a_browser_has_it_does_not_get_again(site):
    first = await site.fetch("GET", "/client.js")
    etag = first.headers["Etag"]
    again = await site.fetch("GET", "/client.js", headers={"If-None-Match": etag})
    assert (again.code, again.body, again.headers["Etag"]) == (304, b"", etag)
    other = await site.fetch("GET", "/client/chat.js")
    assert other.headers["Etag"] != etag
    new = await site.fetch("GET", "/client/chat.js", headers={"If-None-Match": etag})
    assert new.code == 200


async def test_head_is_the_same_without_the_body(site):
    get = await site.fetch("GET", "/client.js")
    head = await site.fetch("HEAD", "/client.js")
    assert (head.code, head.body) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Etag", "Cache-Control"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    "path", ["/client/nobody.js", "/client/", "/client/../files.py", "/package.json", "/static"]
)
async def test_what_is_no_module_is_not_there(site, path):
    answer = await site.fetch("GET", path)
    assert (answer.code, answer.json["error"]["code"]) == (404, "not_found")


async def test_a_page_of_another_origin_may_import_it_where_it_is_allowed():
    friend = "https://shop.example"
    async with running_server({"server": {"allowed_origins": [friend]}}) as site:
        answer = await site.fetch("GET", "/client.js", headers={"Origin": friend})
        assert (answer.code, answer.headers["Access-Control-Allow-Origin"]) == (200, friend)
        assert "Origin" in answer.headers["Vary"]
        answer = await site.fetch("GET", "/client.js", headers={"Origin": "https://evil.example"})
        assert answer.code == 401
        assert "Access-Control-Allow-Origin" not in answer.headers
        own = f"http://127.0.0.1:{site.port}"
        assert (await site.fetch("GET", "/client.js", headers={"Origin": own})).code == 200
        assert "Origin" in (await site.fetch("GET", "/client.js")).headers["Vary"]
