"""What axe-core has against the views: nothing serious, wide and on a phone, light and dark."""

from pathlib import Path

import axe_playwright_python
import pytest

from support.browser import PHONE, WIDE, people
from support.lively import lively
from support.views import tour

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# Of each violation the rule, what is wrong with which elements.
RUN = """
async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, any, all, none }) =>
      [html.slice(0, 200), ...[...any, ...all, ...none].map(({ message }) => message)].join(" | ")).join("\\n  ")}`);
}
"""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("size", ["wide", "phone"])
async def test_axe_finds_nothing_serious(size):
    viewport, found = {"wide": WIDE, "phone": PHONE}[size], []
    async with lively() as site, people(site.url("")) as browsers:
        look = {"viewport": viewport, "reduced_motion": "reduce"}
        async for view, page in tour(browsers, site, **look):
            await page.evaluate(AXE)
            for colours in ("light", "dark"):
                await page.emulate_media(color_scheme=colours)
                told = await page.evaluate(RUN)
                found += [f"{view.name}, {size}, {colours}: {each}" for each in told]
    assert not found, "\n".join(found)
