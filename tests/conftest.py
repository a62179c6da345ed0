"""What every test may use.

logs   the records of this test; anything at WARNING or above that no test asked for fails it:
       `logs.expect("text")` asks
"""

import logging
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # `support`, whatever the import mode

# A property holds or not; how fast the machine is that day is no part of it.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
# Each statement at DEBUG would bury what a failure has to say.
logging.getLogger("peewee").setLevel(logging.INFO)


class Logs(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self.records = []
        self.expected = []

    def emit(self, record):
        self.records.append(record)

    def expect(self, text):
        """A line at WARNING or above that holds this text is meant to come, any number of times."""
        self.expected.append(text)

    @property
    def text(self):
        return "\n".join(record.getMessage() for record in self.records)

    def unexpected(self):
        return [
            f"{record.name}: {record.getMessage()}"
            + (f" ({record.exc_info[1]!r})" if record.exc_info else "")
            for record in self.records
            if record.levelno >= logging.WARNING
            and not any(text in record.getMessage() for text in self.expected)
        ]


@pytest.fixture
def logs(request):
    handler = Logs()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("tornado_chat").setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _nothing_unexpected_is_logged(request):
    """For tests with real servers: their folders ask for it by being there."""
    if not {"integration", "e2e"} & set(Path(request.path).parts):
        yield
        return
    logs = request.getfixturevalue("logs")
    yield
    assert not logs.unexpected(), "\n".join(logs.unexpected())
