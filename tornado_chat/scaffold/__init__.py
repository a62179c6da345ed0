"""A new plugin to begin with: as a drop-in file with its test, or as a package of its own.

What is written is in `templates/`, a folder a kind; `$name` and the like are replaced there.
"""

import contextlib
import importlib.metadata
import json
import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

from tornado_chat.errors import SetupError
from tornado_chat.plugins.source import RESERVED
from tornado_chat.topics import KIND

# What each kind makes, in the words of the help.
KINDS = {
    "list": "a list that people watch, fed by a webhook",
    "board": "boards on which people and programs post",
    "consumer": "hands on what is said in rooms, and misses nothing",
}
SETTINGS = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")  # that pytest may have
TEMPLATES = Path(__file__).parent / "templates"

Files = dict[Path, str]


def check_name(name: str) -> None:
    """Raises SetupError for what can be no name of a plugin and of its kind of topics."""
    if not KIND.fullmatch(name):
        near = re.sub(r"\W+|_+", "_", name.lower(), flags=re.ASCII).lstrip("_0123456789")[:32]
        near = near.rstrip("_")
        hint = f"; did you mean {near}?" if KIND.fullmatch(near) else ""
        raise SetupError(
            f"{name!r} is no name for a plugin, which is lower-case letters, digits and "
            f"underscores, at most 32, a letter first{hint}"
        )
    if keyword.iskeyword(name) or name in RESERVED:
        why = "a key of [plugins]" if name in RESERVED else "a word of Python"
        raise SetupError(f"{name!r} is no name for a plugin: it is {why}, try my_{name}")


def drop_in(name: str, kind: str, directory: Path) -> Files:
    """A file for the directory of plugins, and its test in `tests` beside that directory, since
    what lies in the directory is loaded; settings for pytest, where there are none."""
    values = {
        "pathlib": "from pathlib import Path\n",
        "gap": "\n",
        "plugin": f"FOLDER = Path(__file__).parents[1] / {json.dumps(directory.resolve().name)}\n"
        f'PLUGIN = FOLDER / "{name}.py"',
    }
    beside = directory.parent if directory.name not in {"", ".."} else directory / ".."
    files = {
        directory / f"{name}.py": filled(f"{kind}/plugin.py", name),
        beside / "tests" / f"test_{name}.py": filled(f"{kind}/test.py", name, values),
    }
    if not any((beside / settings).exists() for settings in SETTINGS):
        files[beside / "pytest.ini"] = filled("pytest.ini", name)
    return files


def package(name: str, kind: str, folder: Path) -> Files:
    """A distribution in a folder of its own, with everything that its author needs."""
    distribution, module = f"tornado-chat-{name.replace('_', '-')}", f"tornado_chat_{name}"
    values = {
        "about": KINDS[kind],
        "distribution": distribution,
        "module": module,
        "pathlib": "",
        "gap": "",
        "plugin": f'PLUGIN = "{name}"  # as it is installed',
        "section": section(name, kind).rstrip(),
        "version": ".".join(importlib.metadata.version("tornado_chat").split(".")[:2]),
    }
    values["use"] = filled(f"{kind}/use.md", name).rstrip()
    places = {
        "pyproject.toml": "package/pyproject.toml",
        "README.md": "package/README.md",
        ".gitignore": "package/gitignore",
        ".github/workflows/test.yml": "package/workflow.yml",
        f"src/{module}/__init__.py": f"{kind}/plugin.py",
        f"src/{module}/py.typed": "package/py.typed",
        f"tests/test_{name}.py": f"{kind}/test.py",
    }
    return {
        folder / distribution / place: filled(template, name, values)
        for place, template in places.items()
    }


def next_commands(files: Files, *, package: bool) -> list[str]:
    """What to type now that they are written."""
    if not package:
        test = list(files)[1]
        return ["pip install 'tornado_chat[testing]'", f"pytest {test}", "tornado-chat plugins"]
    folder = next(iter(files)).parent  # pyproject.toml is the first
    return [f"cd {folder}", "pip install -e '.[dev]'", "pytest", "tornado-chat plugins"]


def section(name: str, kind: str) -> str:
    """What the configuration may say about it."""
    return filled(f"{kind}/section.toml", name)


def filled(template: str, name: str, values: Mapping[str, str] | None = None) -> str:
    """A template with its words replaced. `NAME` is the name in capitals."""
    text = (TEMPLATES / f"{template}.tmpl").read_text(encoding="utf-8")
    return Template(text).substitute({"name": name, "NAME": name.upper(), **(values or {})})


def write(files: Files) -> None:
    """Writes all of them, or none: nothing that is there is touched. Raises SetupError that names
    the file."""
    for path in files:
        if path.exists() or path.is_symlink():
            raise SetupError(
                f"{path}: is there already, and nothing was written; take another name, or move it "
                "away"
            )
    made: list[Path] = []
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
        except OSError as error:
            for each in made:
                with contextlib.suppress(OSError):
                    each.unlink()
            reason = (error.strerror or type(error).__name__).lower()
            raise SetupError(f"{error.filename or path}: {reason}; nothing was written") from None
