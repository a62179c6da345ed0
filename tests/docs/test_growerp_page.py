"""docs/reference/growerp.md against the code: every resource with its methods, frames that are real."""

import json
import re
from pathlib import Path

import pytest
from tornado_chat_plugins.growerp.handler import VERBS
from tornado_chat_plugins.growerp.notws import NAME_MAX, NAMES_MAX
from tornado_chat_plugins.growerp.routes import RESOURCES

from support.growerp_models import NOTIFICATION_KEYS, check_chat_frame, check_notification_frame

PAGE = (Path(__file__).parents[2] / "docs/reference/growerp.md").read_text(encoding="utf-8")


def offered():
    return {
        f"{method} {resource.__name__}"
        for resource in RESOURCES
        for method in VERBS
        if method.lower() in vars(resource)
    }


def test_every_resource_stands_in_the_table_and_no_other():
    assert set(re.findall(r"^\| `([A-Z]+ \w+)` \|", PAGE, re.MULTILINE)) == offered()


@pytest.mark.parametrize("frame", re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
def test_frames_are_such_as_a_front_end_reads(frame):
    if "chatRoom" in json.loads(frame):
        check_chat_frame(frame)
    else:
        assert list(check_notification_frame(frame)) == NOTIFICATION_KEYS


def test_bounds_are_those_of_the_code():
    assert f"At most {NAMES_MAX} names of {NAME_MAX} characters" in PAGE
