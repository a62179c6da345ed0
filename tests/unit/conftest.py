"""Fixtures of the unit tests.

plugin_file   writes a plugin into a directory
load_plugins  loads that directory; closed after the test
refusal       the same, for the text of the SetupError that must come
"""

from textwrap import dedent

import pytest

from tornado_chat import SetupError
from tornado_chat.config import PluginsConfig
from tornado_chat.plugins import Plugins


@pytest.fixture
def plugin_file(tmp_path):
    """plugin_file(name or name/file.py, text) puts it there and gives its path; `head` is what all
    begin with: they are made for this api, and have all names."""

    def write(name, text="", *, head="api = 1\nfrom tornado_chat import *\n"):
        path = tmp_path / "plugins" / (name if "/" in name else f"{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + dedent(text))
        return path

    return write


@pytest.fixture
def load_plugins(tmp_path):
    """load_plugins(sections, disabled=[…], modules=[…]): what was written, nothing installed."""
    loaded = []

    def load(sections=None, disabled=(), modules=(), *, entry_points=False, **also):
        config = PluginsConfig(tmp_path / "plugins", tuple(disabled), sections or {}, **also)
        loaded.append(Plugins.load(config, modules, entry_points=entry_points))
        return loaded[-1]

    yield load
    for plugins in loaded:
        plugins.close()


@pytest.fixture
def refusal(load_plugins):
    """refusal(…) is load_plugins(…), for the text of the SetupError that must come."""

    def load(*args, **kwargs):
        with pytest.raises(SetupError) as caught:
            load_plugins(*args, **kwargs)
        return str(caught.value)

    return load
