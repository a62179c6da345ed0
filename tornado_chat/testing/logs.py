"""What is logged while a test runs; nobody expects trouble who has not said so."""

import logging
from types import TracebackType

OURS = "tornado_chat"
HELD = "held everybody up for 0."  # seconds: on a busy machine that is nobody's fault


class Logs(logging.Handler):
    """The records, from when it is entered until it is left; those of this package at all levels.

    A line at WARNING or above that no test has asked for is unexpected.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        self.expected = [HELD]
        self._checked = 0
        self._levels: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def expect(self, text: str) -> None:
        """Lines at WARNING or above that hold this text may come, any number of times."""
        self.expected.append(text)

    @property
    def text(self) -> str:
        """All lines so far."""
        return "\n".join(record.getMessage() for record in self.records)

    def unexpected(self) -> list[str]:
        """The lines since the last `check` that were not asked for."""
        return [
            f"{record.name}: {record.getMessage()}"
            + (f" ({record.exc_info[1]!r})" if record.exc_info else "")
            for record in self.records[self._checked :]
            if record.levelno >= logging.WARNING
            and not any(text in record.getMessage() for text in self.expected)
        ]

    def check(self) -> None:
        """Raises AssertionError that shows the lines that were not asked for."""
        __tracebackhide__ = True
        found = self.unexpected()
        self._checked = len(self.records)
        if found:
            raise AssertionError("\n".join(["unexpected in the log:", *found]))

    def __enter__(self) -> "Logs":
        logger = logging.getLogger(OURS)
        self._levels.append(logger.level)
        logger.setLevel(logging.DEBUG)
        if len(self._levels) == 1:
            logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        logging.getLogger(OURS).setLevel(self._levels.pop())
        if not self._levels:
            logging.getLogger().removeHandler(self)
