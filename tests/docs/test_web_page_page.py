"""docs/how-to/web-page.md: what it says of the headers, and how the page is switched off."""

import re
import tomllib
from pathlib import Path
from types import ModuleType

from support.server import running_server
from tornado_chat import PluginHandler, describe, hookimpl

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "web-page.md").read_text()
USUAL = {"Connection", "Date", "Content-Type", "Content-Length", "Cache-Control", "Etag", "Vary"}
USUAL |= {"X-Consumed-Content-Encoding"}  # of the client here


async def test_each_header_is_told():
    async with running_server() as site:
        answer = await site.fetch("GET", "/")
        names = set(answer.headers) - USUAL
        assert len(names) == 5
        text = PAGE.replace("content security policy", "Content-Security-Policy")
        assert [name for name in names if name not in text] == []
        for told in re.findall(r"`([\w-]+: [\w-]+)`", PAGE):
            name, value = told.split(": ")
            assert answer.headers[name] == value


async def test_it_is_switched_off_as_the_page_says():
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    async with running_server(tomllib.loads(text)) as site:
        assert (await site.fetch("GET", "/")).code == 404
        assert (await site.fetch("GET", "/client.js")).code == 200


class Front(PluginHandler):
    public = True

    @describe("A page of one's own", answer=("text/plain",))
    def get(self):
        self.set_header("Content-Type", "text/plain")
        self.finish("ours")


async def test_a_plugin_may_have_its_place():
    plugin = ModuleType("front")
    plugin.api = 1
    plugin.register_routes = hookimpl(lambda: [("/", Front)])
    for page in (False, True):
        tables = {"server": {"page": page}, "plugins": {"front": {"mount": "/"}}}
        async with running_server(tables, [plugin]) as site:
            answer = await site.fetch("GET", "/")
            assert (answer.code, answer.body == b"ours") == (200, not page)
