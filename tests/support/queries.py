"""Counting what the database is asked, and how it goes about it."""

import contextlib
import logging
import re

from tornado_chat.store.models import current_database


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


class Plans(logging.Handler):
    """Each statement, explained by SQLite in the thread that runs it."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.statements = []
        self.scans = []
        self.steps = []  # (statement, what SQLite says of a step of it)

    def emit(self, record):
        text, values = record.msg
        if text.split(" ", 1)[0] not in {"SELECT", "WITH", "DELETE", "UPDATE", "INSERT"}:
            return
        self.statements.append(text)
        connection = current_database.get().connection()
        for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall():
            self.steps.append((text, row[3]))
            if found := re.match(r"SCAN (\w+)", row[3]):
                alias = re.search(rf'"(\w+)" AS "{found[1]}"', text)
                self.scans.append((alias[1] if alias else found[1], text))

    def walked(self, tables):
        """The statements that go through one of these tables, or through its index, as a whole."""
        return [text for table, text in self.scans if table in tables]

    def searched(self, start):
        """By what rows are found, in the statements that begin so."""
        found = [
            re.search(r"SEARCH.*\((.*)\)", step)
            for text, step in self.steps
            if text.startswith(start)
        ]
        return {each[1] for each in found if each}


@contextlib.contextmanager
def explained():
    """Call it where no other server runs in the process."""
    log, plans = logging.getLogger("peewee"), Plans()
    level = log.level
    log.addHandler(plans)
    log.setLevel(logging.DEBUG)
    try:
        yield plans
    finally:
        log.removeHandler(plans)
        log.setLevel(level)
