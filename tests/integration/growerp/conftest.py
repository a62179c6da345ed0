"""A running server with four front-ends of one company and one of another."""

import pytest

from support.growerp import FrontEnd
from support.server import running_server

TABLES = {"plugins": {"disabled": ["order_list"]}}


@pytest.fixture
async def site():
    async with running_server(TABLES) as running:
        yield running


@pytest.fixture
def ann(site):
    return FrontEnd(site, "ann")


@pytest.fixture
def bob(site):
    return FrontEnd(site, "bob")


@pytest.fixture
def carl(site):
    return FrontEnd(site, "carl")


@pytest.fixture
def dora(site):
    return FrontEnd(site, "dora")


@pytest.fixture
def admin(site):
    return FrontEnd(site, "admin")


@pytest.fixture
def zoe(site):
    return FrontEnd(site, "zoe")


@pytest.fixture
def stranger(site):
    return FrontEnd(site)
