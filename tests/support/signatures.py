"""How headings of the documentation write a signature: `async name(first, *, second=None)`."""

import dataclasses
import inspect


def signature(function, name=None):
    """Without types and without `self`."""
    made = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=parameter.empty, default=readable(parameter.default))
        for parameter in made.parameters.values()
        if parameter.name not in {"self", "cls"}
    ]
    text = str(made.replace(parameters=parameters, return_annotation=made.empty))
    word = "async " if inspect.iscoroutinefunction(function) else ""
    return f"{word}{name or function.__name__}{text}"


class Shown:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def readable(default):
    """A default as one would type it."""
    import time

    from tornado_chat import MEMBERS

    for value, text in (
        (MEMBERS, "MEMBERS"),
        (time.time, "time.time"),
        (frozenset(), "frozenset()"),
    ):
        if default is value or (isinstance(default, frozenset) and default == value):
            return Shown(text)
    if isinstance(default, dataclasses._HAS_DEFAULT_FACTORY_CLASS):
        return Shown("…")
    return default
