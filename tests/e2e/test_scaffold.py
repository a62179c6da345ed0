"""`tornado-chat plugins new`: what it writes passes its own tests and linters, and what is asked
wrongly is said in one line."""

import re
from pathlib import Path

import pytest

from support.installed import PLUGINS
from support.process import run, toml
from tornado_chat.errors import SetupError
from tornado_chat.scaffold import check_name

pytestmark = pytest.mark.timeout(300)  # whoever comes first builds the environment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "package-a-plugin.md").read_text()
PASSED = re.compile(r"^=+ \d+ passed in", re.MULTILINE)  # and nothing else
SHORTEST, LONGEST = "x", "a_name_of_thirty_two_characters_"
assert len(LONGEST) == 32

OPEN = ("(WebhookHandler):", '(__import__("tornado_chat").PluginHandler):\n    public = True\n')

# One line of each kind, and what becomes of it: the tests that are written with it must notice.
MUTATIONS = {
    "list": [
        OPEN,
        ('return action != "publish" and topic.key == identity.tenant', "return True"),
    ],
    "board": [
        OPEN,
        ("limit=self.shown", "limit=self.shown + 1"),
    ],
    "consumer": [
        ("{message.epoch}-{message.id}", "{message.epoch}"),
        ("AsyncHTTPClient().fetch(request)", "AsyncHTTPClient().fetch(request, raise_error=False)"),
    ],
}


def plugin_and_test(folder, name):
    return folder / "plugins" / f"{name}.py", folder / "tests" / f"test_{name}.py"


def files(folder):
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


@pytest.mark.parametrize("kind", PLUGINS)
def test_a_file_passes_its_own_tests_and_linters(installed, tmp_path, kind):
    new = ["plugins", "new", "shop", "--kind", kind]
    installed.check("tornado-chat", *new, cwd=tmp_path)
    assert files(tmp_path) == ["plugins/shop.py", "pytest.ini", "tests/test_shop.py"]
    installed.check("ruff", "check", ".", cwd=tmp_path)
    installed.check("ruff", "format", "--check", ".", cwd=tmp_path)
    installed.check("mypy", "--strict", "plugins/shop.py", cwd=tmp_path)
    said = installed.check("pytest", "tests/test_shop.py", cwd=tmp_path)
    assert PASSED.search(said)


@pytest.mark.parametrize("kind", PLUGINS)
def test_a_package_passes_its_own_tests_and_linters(installed, kind):
    folder = installed.package(kind)
    installed.check("ruff", "check", cwd=folder)
    installed.check("ruff", "format", "--check", cwd=folder)
    installed.check("mypy", cwd=folder)
    assert PASSED.search(installed.check("pytest", cwd=folder))


@pytest.mark.parametrize("name", [SHORTEST, LONGEST])
def test_linters_are_content_whatever_the_name(installed, tmp_path, name):
    for kind in PLUGINS:
        new = ["plugins", "new", name, "--kind", kind]
        installed.check("tornado-chat", *new, "--into", f"{kind}/plugins", cwd=tmp_path)
        installed.check("tornado-chat", *new, "--into", kind, "--package", cwd=tmp_path)
    installed.check("ruff", "check", ".", cwd=tmp_path)
    installed.check("ruff", "format", "--check", ".", cwd=tmp_path)


@pytest.mark.parametrize("kind", PLUGINS)
def test_its_tests_notice_what_is_broken(installed, tmp_path, kind):
    installed.check("tornado-chat", "plugins", "new", "shop", "--kind", kind, cwd=tmp_path)
    plugin, test = plugin_and_test(tmp_path, "shop")
    test.write_text(test.read_text().replace("SECONDS = 20", "SECONDS = 2"))  # nothing will come
    good = plugin.read_text()
    for line, broken in MUTATIONS[kind]:
        assert good.count(line) == 1, line
        plugin.write_text(good.replace(line, broken))
        done = installed.run("pytest", "-q", "-x", test, cwd=tmp_path)
        assert done.returncode == 1, f"{broken}\n{done.stdout}{done.stderr}"


async def test_command_plugins_new(tmp_path):
    """What it writes is loaded as it is, without a section in the configuration."""
    assert (await run("plugins", "new", "shop", cwd=tmp_path))[0] == 0
    status, out, err = await run("check-config", cwd=tmp_path)
    assert (status, err) == (0, "")
    assert "shop" in out.rpartition("plugins: ")[2].split(", ")[0]
    status, out, _ = await run("plugins", cwd=tmp_path)
    assert status == 0
    assert "topics   shop" in out


@pytest.mark.parametrize("kind", PLUGINS)
async def test_the_section_that_it_prints_is_a_good_one(tmp_path, kind):
    status, out, err = await run("plugins", "new", "shop", "--kind", kind, cwd=tmp_path)
    assert status == 0, err
    section = out.partition("[plugins.shop]")[2]
    (tmp_path / "tornado_chat.toml").write_text(f"[plugins.shop]{section}")
    secret = {"SHOP_SECRET": "the-secret-of-this-test"}
    status, _, err = await run("check-config", cwd=tmp_path, env=secret)
    assert (status, err) == (0, "")


async def test_the_directory_is_that_of_the_configuration(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        config = toml({"plugins": {"directory": str(tmp_path / folder / "own")}})
        (tmp_path / f"{folder}.toml").write_text(config)
    await run("plugins", "new", "shop", "-c", "one.toml", cwd=tmp_path)
    await run("plugins", "-c", "two.toml", "new", "shop", cwd=tmp_path)
    await run("plugins", "new", "shop", "--set", "plugins.directory=three/own", cwd=tmp_path)
    await run("plugins", "--set", "plugins.directory=four/own", "new", "shop", cwd=tmp_path)
    for folder in ("one", "two", "three", "four"):
        assert files(tmp_path / folder) == ["own/shop.py", "pytest.ini", "tests/test_shop.py"]
        assert '/ "own"\n' in (tmp_path / folder / "tests" / "test_shop.py").read_text()


async def test_it_says_what_it_made_and_what_to_type_next(tmp_path):
    """As the page has it."""
    shown = re.findall(r"```console\n\$ tornado-chat (plugins new .*)\n((?:made .*\n)+)```", PAGE)
    assert len(shown) == 2
    for number, (words, made) in enumerate(shown):
        folder = tmp_path / str(number)
        folder.mkdir()
        status, out, err = await run(*words.split(), cwd=folder)
        assert (status, err) == (0, "")
        assert out.startswith(f"{made}\nnext:\n")
        assert files(folder) == sorted(line.removeprefix("made ") for line in made.splitlines())
        assert "pytest" in out
        assert "\n[plugins.machines]\n" in out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("my-board", "letter first; did you mean my_board?"),
        ("MyBoard", "letter first; did you mean myboard?"),
        ("2nd board", "letter first; did you mean nd_board?"),
        ("Ärger!", "letter first; did you mean rger?"),
        ("a" * 33, f"letter first; did you mean {'a' * 32}?"),
        ("_shared", "letter first; did you mean shared?"),
        ("../board", "letter first; did you mean board?"),
        (
            "",
            "'' is no name for a plugin, which is lower-case letters, digits and underscores, at most",
        ),
        ("--", "at most 32, a letter first"),
        ("class", "'class' is no name for a plugin: it is a word of Python, try my_class"),
        ("directory", "it is a key of [plugins], try my_directory"),
        ("disabled", "it is a key of [plugins], try my_disabled"),
    ],
)
def test_a_name_that_is_none_is_refused_with_a_better_one(name, text):
    with pytest.raises(SetupError) as refused:
        check_name(name)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("my-board", "letter first; did you mean my_board?"),
        ("chat_rooms", "a plugin 'chat_rooms' is there already: tornado_chat_plugins.chat_rooms"),
        ("room", "the plugin 'chat_rooms' owns the topics room:…; take another name"),
    ],
)
async def test_a_name_that_cannot_be_is_refused_in_one_line(tmp_path, name, text):
    status, out, err = await run("plugins", "new", name, "--package", cwd=tmp_path)
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert text in err
    assert not files(tmp_path)


@pytest.mark.parametrize("option", [[], ["--package"]])
async def test_nothing_is_overwritten_and_all_is_written_or_nothing(tmp_path, option):
    new = ["plugins", "new", "shop", "--into", "here/own", *option]
    assert (await run(*new, cwd=tmp_path))[0] == 0
    made = files(tmp_path)
    first = next(name for name in made if name.endswith("test_shop.py"))
    for name in made:
        if name != first:
            (tmp_path / name).unlink()
    (tmp_path / first).write_text("mine")
    status, out, err = await run(*new, cwd=tmp_path)
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {first}: is there already, and nothing was written")
    assert files(tmp_path) == [first]
    assert (tmp_path / first).read_text() == "mine"


@pytest.mark.parametrize("name", ["pytest.ini", "pyproject.toml"])
async def test_settings_that_pytest_has_stay(tmp_path, name):
    (tmp_path / name).write_text("")
    assert (await run("plugins", "new", "shop", cwd=tmp_path))[0] == 0
    assert files(tmp_path) == ["plugins/shop.py", name, "tests/test_shop.py"]
    assert not (tmp_path / name).read_text()


async def test_a_plugin_that_is_there_is_named(tmp_path):
    assert (await run("plugins", "new", "shop", cwd=tmp_path))[0] == 0
    status, _, err = await run("plugins", "new", "shop", "--package", cwd=tmp_path)
    assert status == 1
    there = tmp_path / "plugins" / "shop.py"
    assert err == f"error: a plugin 'shop' is there already: {there}; take another name\n"


async def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "tests").write_text("a file where the folder of tests would be")
    status, out, err = await run("plugins", "new", "shop", cwd=tmp_path)
    assert (status, out) == (1, "")
    assert err == "error: tests: file exists; nothing was written\n"
    assert files(tmp_path) == ["tests"]


async def test_a_broken_plugin_does_not_keep_one_from_writing_another(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "broken.py").write_text("raise RuntimeError")
    status, _, err = await run("plugins", "new", "shop", cwd=tmp_path)
    assert (status, err) == (0, "")


async def test_the_help_says_which_kinds_there_are():
    status, out, _ = await run("plugins", "new", "--help")
    assert status == 0
    words = " ".join(out.split())
    for text in (
        "[list|board|consumer]",
        "list: a list that people watch, fed by a webhook",
        "board: boards on which people and programs post",
        "consumer: hands on what is said in rooms, and misses nothing",
        "Nothing is overwritten",
    ):
        assert text in words
    assert "new" in (await run("plugins", "--help"))[1]
