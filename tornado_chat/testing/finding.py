"""The plugins that a test names: modules, drop-in files and folders, installed ones."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from tornado_chat.errors import SetupError
from tornado_chat.plugins.source import DropIns, installed, load

Named = ModuleType | Path | str


@dataclass
class Found:
    """What a server is given: modules, and names of installed plugins."""

    modules: list[ModuleType] = field(default_factory=list)
    installed: set[str] = field(default_factory=set)


@contextmanager
def find(plugins: Iterable[Named]) -> Iterator[Found]:
    """With what they require of installed ones; the drop-ins are forgotten at the end. Raises
    SetupError for what is not there."""
    found, places = Found(), []
    try:
        for named in plugins:
            if isinstance(named, ModuleType):
                found.modules.append(named)
            elif isinstance(named, str) and named.isidentifier():
                found.installed.add(named)
            else:
                path = Path(named).resolve()
                places.append(DropIns(path.parent))
                found.modules.append(drop_in(places[-1], path))
        add_required(found)
        yield found
    finally:
        for place in places:
            place.forget()


def drop_in(place: DropIns, path: Path) -> ModuleType:
    """The plugin of a file or folder, loaded as the configured directory would."""
    for finding in place:
        if Path(finding.file) in {path, path / "__init__.py"}:
            return load(finding).module
    raise SetupError(f"{path}: no plugin: neither a file NAME.py nor a folder with an __init__.py")


def add_required(found: Found) -> None:
    """What the plugins say in `requires`, where it is installed and not given already."""
    points = {finding.name: finding for finding in installed()}
    given = {module.__name__.rpartition(".")[2] for module in found.modules}
    for name in found.installed - set(points):
        known = ", ".join(points) or "none"
        raise SetupError(f"no plugin {name!r} is installed, there are: {known}")
    asked = [*found.modules, *(load(points[name]).module for name in found.installed)]
    for module in asked:
        for name in getattr(module, "requires", ()):
            if name in points and name not in given | found.installed:
                found.installed.add(name)
                asked.append(load(points[name]).module)
