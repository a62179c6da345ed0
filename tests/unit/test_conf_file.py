"""What lies in conf/ is what the schema says, and can be used as it is."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tornado_chat.config import build, check_section, load
from tornado_chat.config.reference import (
    FILE,
    PAGE,
    config_file,
    main,
    page,
    plugin_schemas,
    tables,
)

ROOT = Path(__file__).parents[2]


def plain(config):
    """Without what depends on where the file lies."""
    return replace(config, path=None, store=None, plugins=None)


@pytest.mark.parametrize(("file", "text"), [(FILE, config_file), (PAGE, page)])
def test_file_is_as_generated(file, text):
    assert (ROOT / file).read_text() == text(), "run `make docs`"


def test_conf_file_equals_the_defaults():
    config, defaults = load(ROOT / FILE, [], {}), load(None, [], {})
    assert plain(config) == plain(defaults)
    assert config.store == build({}, path=ROOT / FILE).store
    assert config.plugins.directory == ROOT / "conf" / "plugins"
    assert config.plugins.disabled == defaults.plugins.disabled


def test_sections_of_plugins_equal_their_defaults():
    sections = load(ROOT / FILE, [], {}).plugins.sections
    schemas = dict(plugin_schemas())
    assert sections.keys() == schemas.keys()
    for name, schema in schemas.items():
        defaults = {
            field.data_key or key: field.load_default()
            if callable(field.load_default)
            else field.load_default
            for key, field in schema.fields.items()
            if not field.required
        }
        for key, value in sections[name].items():
            assert value == written(defaults[key]), f"{name}.{key}"


def written(default):
    """What stands in the file of a default: a key of a table that has none stands behind a #."""
    if not isinstance(default, dict):
        return default
    return {key: value for key, value in default.items() if value is not None}


def test_every_example_of_the_conf_file_holds(tmp_path):
    """Each line that is behind a # is allowed as it stands."""
    file = tmp_path / "all.toml"
    file.write_text(re.sub(r"(?m)^#(?=\S)", "", (ROOT / FILE).read_text()))
    (tmp_path / "ann.password").write_text("secret")
    environ = dict.fromkeys(re.findall(r'env = "(\w+)"', config_file()), "a-key-of-16-letters")
    config = load(file, [], environ)
    assert config.users[0].password == "secret"
    assert config.topics["OrderUpdate"].link == "/orders/${orderId}"
    assert config.retention.per["room"].messages == 1000
    for name, schema in plugin_schemas():
        check_section(f"plugins.{name}", schema, config.plugins.section(name))


def test_every_key_says_what_it_is_for():
    for table in tables():
        assert table.doc, table.header
        for key, field in table.keys.items():
            assert field.metadata.get("doc", "").endswith("."), f"{table.header} {key}"


def test_minimal_serves():
    config = load(ROOT / "conf/minimal.toml", [], {})
    assert {user.tenant for user in config.users} == {"SHOP"}


def test_tables_of_the_page_are_those_of_the_file():
    headers = re.findall(r"(?m)^#?(\[.*\])$", config_file())
    assert headers == re.findall(r"(?m)^## (\[.*\])$", page())
    assert tomllib.loads(config_file())


def test_generator_prints_and_writes(capsys, tmp_path, monkeypatch):
    main([])
    assert capsys.readouterr().out == config_file()
    main(["--page"])
    assert capsys.readouterr().out == page()
    monkeypatch.chdir(tmp_path)
    for file in (FILE, PAGE):
        file.parent.mkdir(parents=True)
    main(["--write"])
    assert (FILE.read_text(), PAGE.read_text()) == (config_file(), page())
    with pytest.raises(SystemExit, match="--write"):
        main(["--wirte"])
