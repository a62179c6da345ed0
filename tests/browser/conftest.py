"""`browsers`: the people who look at the pages of `site`, which each file makes as it needs it."""

import pytest


@pytest.fixture
async def browsers(site, request):
    from support.browser import people  # who has no Chromium skips the tests, not this file

    failed = request.session.testsfailed
    async with people(site.url("")) as found:
        yield found
        if request.session.testsfailed > failed:
            print(await found.seen())
