"""docs/how-to/web-page.md: what it says of the headers, and how the page is switched off."""

import re
import tomllib
from pathlib import Path

from support.server import running_server

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "web-page.md").read_text()
USUAL = {"Connection", "Date", "Content-Type", "Content-Length", "Cache-Control", "Etag", "Vary"}


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
