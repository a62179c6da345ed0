"""What every test may use, and how tests share a machine.

logs   the records of this test; anything at WARNING or above that no test asked for fails it:
       `logs.expect("text")` asks
tell   tell("seed 7"): a line that stands at the end of the run, whether the test passed or not
alone  a mark: it measures the machine or fills it, so it runs last, and nothing runs beside it
"""

import fcntl
import logging
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tornado_chat.testing import Logs

sys.path.insert(0, str(Path(__file__).parent))  # `support`, whatever the import mode

# A property holds or not; how fast the machine is that day is no part of it.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
# Each statement at DEBUG would bury what a failure has to say.
logging.getLogger("peewee").setLevel(logging.INFO)


@pytest.fixture
def logs():
    root = logging.getLogger()
    level = root.level
    with Logs() as logs:
        root.setLevel(logging.DEBUG)
        yield logs
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _nothing_unexpected_is_logged(request):
    """For tests with real servers: their folders ask for it by being there."""
    if not {"integration", "e2e", "browser", "reference"} & set(Path(request.path).parts):
        yield
        return
    logs = request.getfixturevalue("logs")
    yield
    logs.check()


@pytest.fixture
def tell(record_property):
    return lambda text: record_property("told", text)


def pytest_terminal_summary(terminalreporter):
    reports = [each for group in terminalreporter.stats.values() for each in group]
    ended = [each for each in reports if getattr(each, "when", None) == "teardown"]
    told = [text for each in ended for name, text in each.user_properties if name == "told"]
    if told:
        terminalreporter.section("told by tests")
        for text in told:
            terminalreporter.write_line(text)


def is_alone(item):
    return item.get_closest_marker("alone") is not None


def pytest_collection_modifyitems(items):
    items.sort(key=is_alone)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the clock of the test's timeout
def pytest_runtest_protocol(item):
    """Of several workers each holds one lock while it runs a test: all share it, but for who is
    alone."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    folder = Path(item.config.option.basetemp).parent  # of this run, and of all its workers
    with (folder / "alone.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if is_alone(item) else fcntl.LOCK_SH)
        return (yield)
