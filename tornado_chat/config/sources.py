"""Where settings come from: the TOML file, the environment, `--set`, and values kept elsewhere.

All of it ends in one tree of plain tables, in which what came as text is marked as `Outside`:
only the schema knows whether `9000` is a port or a password.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado_chat.errors import SetupError

PREFIX = "TORNADO_CHAT__"


class Outside(str):
    """A value that came as text from outside of the file: it has no type of its own yet."""

    __slots__ = ()


class Problems:
    """What is wrong, each with the path of its key: all is told at once, not one by one."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.origins: dict[str, str] = {}  # path -> what set it, where that was not the file
        self.pointed: set[str] = set()  # paths whose values are kept elsewhere

    def add(self, path: str, text: str) -> None:
        """The first word on a path holds: what follows from it would only confuse."""
        self.found.setdefault(path, text)

    def raise_any(self) -> None:
        if self.found:
            raise SetupError("\n".join(self._line(*item) for item in self.found.items()))

    def _line(self, path: str, text: str) -> str:
        origin = self.origins.get(path)
        return f"in {path}: {text}" + (f" (set by {origin})" if origin else "")


def join(path: str, key: str | int) -> str:
    """The path one step further, as it would be written in TOML."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    name = key if bare else '"' + key.replace('"', '\\"') + '"'
    return f"{path}.{name}" if path else name


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file. Raises SetupError with its name where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {(error.strerror or 'error').lower()}") from None
    except UnicodeDecodeError:
        raise SetupError(f"{path}: not utf-8") from None
    except tomllib.TOMLDecodeError as error:
        text = str(error)
        raise SetupError(f"{path}: not toml: {text[:1].lower()}{text[1:]}") from None


def parse(text: str) -> Any:
    """The TOML value that a text spells, or the text itself where it spells none."""
    try:
        tables = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return str(text)
    value = tables.get("value")
    plain = tables.keys() == {"value"} and isinstance(value, bool | int | float | str | list | dict)
    return value if plain else str(text)


def overlay(data: dict[str, Any], keys: Sequence[str], value: str, *, fold: bool) -> str:
    """Put a value over what the file says, and give back its path.

    `fold`: the case of the keys is unknown, as in the environment; they mean a key that is there,
    else the lower-case one.
    """
    table, path = data, ""
    for depth, written in enumerate(keys):
        known = [key for key in table if fold and key.lower() == written.lower()]
        key = known[0] if known else written.lower() if fold else written
        path = join(path, key)
        if depth == len(keys) - 1:
            table[key] = Outside(value)
        else:
            if not isinstance(table.get(key), dict):
                table[key] = {}
            table = table[key]
    return path


def overlay_environ(data: dict[str, Any], environ: Mapping[str, str], problems: Problems) -> None:
    """`TORNADO_CHAT__SERVER__PORT=9000`: two underscores are the dot."""
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX):
            continue
        keys = name[len(PREFIX) :].split("__")
        if not all(keys):
            raise SetupError(f"{name}: expected {PREFIX}SECTION__KEY")
        problems.origins[overlay(data, keys, environ[name], fold=True)] = name


def overlay_sets(data: dict[str, Any], sets: Sequence[str], problems: Problems) -> None:
    """`--set server.port=9000`; the key is written as in TOML, quotes included."""
    for item in sets:
        written, equals, value = item.partition("=")
        keys = _dotted(written) if equals else []
        if not keys:
            raise SetupError(f"--set {written.strip()}: expected section.key=value")
        problems.origins[overlay(data, keys, value.strip(), fold=False)] = "--set"


def _dotted(written: str) -> list[str]:
    try:
        node: Any = tomllib.loads(f"{written} = 0") if "\n" not in written else 0
    except tomllib.TOMLDecodeError:
        return []
    keys: list[str] = []
    while isinstance(node, dict):
        if len(node) != 1:  # a comment holds no key
            return []
        [(key, node)] = node.items()
        keys.append(key)
    return keys


@dataclass(frozen=True, slots=True)
class Fetch:
    """Replaces every `{ env = … }` and `{ file = … }` of a tree by what it points at."""

    folder: Path
    environ: Mapping[str, str]
    problems: Problems

    def tree(self, table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
        """The same table; what cannot be had is a problem, and left out."""
        done = {key: self._node(value, join(path, key)) for key, value in table.items()}
        return {key: value for key, value in done.items() if value is not None}

    def _node(self, node: Any, path: str) -> Any:
        if isinstance(node, list):
            return [self._node(item, join(path, at)) for at, item in enumerate(node)]
        if not isinstance(node, dict):
            return node
        inside = not path.replace("_", "").isalnum()  # a section itself is never a pointer
        return self._pointed(node, path) if inside and _points(node) else self.tree(node, path)

    def _pointed(self, node: Mapping[str, str], path: str) -> Outside | None:
        self.problems.pointed.add(path)
        if "env" in node:
            if node["env"] in self.environ:
                return Outside(self.environ[node["env"]])
            self.problems.add(path, f"no {node['env']} in the environment")
            return None
        file = self.folder / os.path.expanduser(node["file"])  # noqa: PTH111 - Path raises
        try:
            return Outside(file.read_text(encoding="utf-8").rstrip("\n"))
        except OSError as error:
            reason = (error.strerror or "error").lower()
            self.problems.add(path, f"{file} cannot be read: {reason}")
        except UnicodeDecodeError:
            self.problems.add(path, f"{file} is not utf-8")
        except ValueError:
            self.problems.add(path, "not a path")
        return None


def _points(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) == 1
        and not value.keys().isdisjoint({"env", "file"})
        and all(isinstance(target, str) for target in value.values())
    )
