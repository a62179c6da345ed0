"""The plugins that a test names: modules, drop-in files and folders, installed ones."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tornado_chat.errors import SetupError
from tornado_chat.plugins.source import DropIns, installed, load

Named = ModuleType | Path | str


@dataclass
class Found:
    """What a server is given: modules, and names of installed plugins, True for all of them."""

    modules: list[ModuleType]
    installed: set[str] | bool


@contextmanager
def find(plugins: Iterable[Named]) -> Iterator[Found]:
    """With what they require of installed ones; the drop-ins are forgotten at the end. Raises
    SetupError for what is not there."""
    modules: list[ModuleType] = []
    names: set[str] = set()
    places: list[DropIns] = []
    try:
        for named in plugins:
            if isinstance(named, ModuleType):
                modules.append(named)
            elif isinstance(named, str) and named.isidentifier():
                names.add(named)
            else:
                path = Path(named).resolve()
                places.append(DropIns(path.parent))
                modules.append(drop_in(places[-1], path))
        add_required(modules, names)
        yield Found(modules, names)
    finally:
        for place in places:
            place.forget()


def drop_in(place: DropIns, path: Path) -> ModuleType:
    """The plugin of a file or folder, loaded as the configured directory would."""
    for finding in place:
        if Path(finding.file) in {path, path / "__init__.py"}:
            return load(finding).module
    raise SetupError(f"{path}: no plugin: neither a file NAME.py nor a folder with an __init__.py")


def add_required(modules: Iterable[ModuleType], names: set[str]) -> None:
    """What the plugins say in `requires`, where it is installed and not given already."""
    points = {finding.name: finding for finding in installed()}
    given = {module.__name__.rpartition(".")[2] for module in modules}
    for name in names - set(points):
        known = ", ".join(points) or "none"
        raise SetupError(f"no plugin {name!r} is installed, there are: {known}")
    asked = [*modules, *(load(points[name]).module for name in names)]
    for module in asked:
        for name in getattr(module, "requires", ()):
            if name in points and name not in given | names:
                names.add(name)
                asked.append(load(points[name]).module)
