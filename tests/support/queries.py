"""Counting what the database is asked."""

import contextlib
import logging


class Counting(logging.Handler):
    """`all`: the statements in order, transactions and pragmas left out."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.all = []

    def emit(self, record):
        text = record.msg[0] if isinstance(record.msg, tuple) else str(record.msg)
        if text.split(" ", 1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}:
            self.all.append(text)

    def of(self, *verbs):
        return [text for text in self.all if text.startswith(verbs)]


@contextlib.contextmanager
def counted_queries():
    log = logging.getLogger("peewee")
    handler, level = Counting(), log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
