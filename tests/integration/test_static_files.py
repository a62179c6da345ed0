"""The files that browsers fetch: the page at `/`, `/client.js`, and what both are made of."""

import asyncio
import gzip
import re

import pytest

from support.server import running_server
from tornado_chat.web import files

MODULES = sorted(
    f"/{path.relative_to(files.FOLDER)}"
    for path in [files.FOLDER / "client.js", *files.FOLDER.glob("client/*.js")]
)


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


@pytest.mark.parametrize("asked", ["gzip", "br, GZip", "deflate;q=0.5, gzip;q=0.8", "gzip; q=1.0"])
async def test_who_takes_it_packed_gets_it_so(site, asked):
    status, headers, body = await asked_plainly(site, "/client/chat.js", asked)
    assert (status, headers["content-encoding"]) == ("200", "gzip")
    assert len(body) == int(headers["content-length"])
    assert gzip.decompress(body) == (files.FOLDER / "client" / "chat.js").read_bytes()
    assert "Accept-Encoding" in headers["vary"]
    _, plain, _ = await asked_plainly(site, "/client/chat.js", "")
    assert plain["etag"] != headers["etag"]


@pytest.mark.parametrize("asked", ["", "identity", "gzip;q=0", "gzip; q=0.00", "br", "xgzip"])
async def test_who_does_not_gets_it_as_it_is(site, asked):
    status, headers, body = await asked_plainly(site, "/client/chat.js", asked)
    assert (status, "content-encoding" in headers) == ("200", False)
    assert body == (files.FOLDER / "client" / "chat.js").read_bytes()
    assert "Accept-Encoding" in headers["vary"]


async def asked_plainly(site, path, accepted):
    """By hand: a client would unpack it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", f"Accept-Encoding: {accepted}"]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in rest)}
    return first.split()[1], headers, body


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


# The page

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


async def test_the_page_and_each_of_its_files_are_served(site):
    paths = [path for path in files.FOLDER.glob("page/**/*") if path.is_file()]
    expected = {f"/{path.relative_to(files.FOLDER)}": path for path in paths}
    for url, path in {**expected, "/": files.FOLDER / "index.html"}.items():
        answer = await site.fetch("GET", url)
        assert (answer.code, answer.body) == (200, path.read_bytes()), url
        assert answer.headers["Content-Type"] == TYPES[path.suffix]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-cache"
        again = await site.fetch("GET", url, headers={"If-None-Match": answer.headers["Etag"]})
        assert (again.code, again.body) == (304, b"")
        head = await site.fetch("HEAD", url)
        assert (head.code, head.body) == (200, b"")
        assert head.headers["Content-Length"] == answer.headers["Content-Length"]


async def test_the_page_may_load_and_ask_its_own_server_alone(site):
    """As browsers are told; also where they have the page already."""
    first = await site.fetch("GET", "/")
    again = await site.fetch("GET", "/", headers={"If-None-Match": first.headers["Etag"]})
    for headers in (first.headers, again.headers):
        policy = dict(
            each.strip().partition(" ")[::2]
            for each in headers["Content-Security-Policy"].split(";")
        )
        asked = {"script-src", "style-src", "img-src", "connect-src", "manifest-src"}
        assert {policy.pop(name) for name in asked} == {"'self'"}
        assert policy.pop("require-trusted-types-for") == "'script'"
        assert set(policy.values()) == {"'none'"}
        assert {"default-src", "base-uri", "form-action", "frame-ancestors"} < set(policy)
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
    assert "Content-Security-Policy" not in (await site.fetch("GET", "/page/main.js")).headers


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/page",
        "/page/",
        "/page/nobody.js",
        "/page/../client.js",
        "/page/../../files.py",
        "/page/%2e%2e/%2e%2e/files.py",
        "/page/..%2f..%2ffiles.py",
        "/page//etc/passwd",
        "/page/main.js/",
        "/page/main.js%00.css",
        "/page/%ff",
        "//page/main.js",
    ],
)
async def test_no_path_leads_out_of_the_page(site, path):
    """Asked as it stands there; a client would make it plain first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    status = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    assert status.split()[1] in {b"400", b"404"}
