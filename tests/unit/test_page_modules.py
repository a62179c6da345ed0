"""The modules of the page: what they import is there, and its HTML asks for the first ones at once."""

import json
import posixpath
import re

from tornado_chat.web.files import files

COMMENT = re.compile(r"/\*\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)
STATIC = re.compile(
    r'^(?:import|export|\})[^;"]*\bfrom "(\.[^"]+)"|^import "(\.[^"]+)"', re.MULTILINE
)
LATER = re.compile(r'\bimport\("(\.[^"]+)"\)')
TEXTS = {path: file.plain.body.decode() for path, file in files().items()}
INDEX = TEXTS["/index.html"]


def imported(path, pattern):
    code = COMMENT.sub("", TEXTS[path])
    for found in pattern.findall(code):
        name = found if isinstance(found, str) else found[0] or found[1]
        yield posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def leads_to(path):
    found, waiting = set(), [path]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(path, STATIC)
    return found


def test_what_is_imported_is_there():
    modules = [path for path in TEXTS if path.endswith(".js")]
    assert len(modules) > 30
    for path in modules:
        asked = [*imported(path, STATIC), *imported(path, LATER)]
        assert [each for each in asked if each not in TEXTS] == [], path


def test_what_the_html_names_is_there():
    named = re.findall(r'(?:href|src)="([^"]+)"', INDEX)
    assert [each for each in named if each not in TEXTS] == []


def test_the_page_can_be_put_among_the_apps_of_a_phone():
    manifest = json.loads(TEXTS["/page/app.webmanifest"])
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    assert [each["src"] for each in manifest["icons"] if each["src"] not in TEXTS] == []


def test_the_first_modules_are_asked_for_at_once():
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', INDEX)
    needed = leads_to("/page/main.js") - {"/page/main.js"}
    assert sorted(needed - set(preloaded)) == [], "index.html lacks these lines"
    assert sorted(set(preloaded) - needed) == [], "index.html has lines that main.js has no use for"
    assert len(preloaded) == len(set(preloaded))


def test_all_styles_are_on_the_page():
    styles = re.findall(r'<link rel="stylesheet" href="([^"]+)">', INDEX)
    assert sorted(styles) == sorted(path for path in TEXTS if path.endswith(".css"))
