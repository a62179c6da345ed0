"""docs/reference/asyncapi.json: the sockets of a server with the plugins that come with it.

python tests/support/asyncapi.py     writes it
"""

import json
from pathlib import Path

from tornado_chat.app import Server
from tornado_chat.config import build
from tornado_chat.web.api.asyncapi import document

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "asyncapi.json"


def page():
    """As the file has it. Nothing is opened: a server that was not started tells it too."""
    server = Server(build({}))
    return json.dumps(document(server.listener._house.dialects.values()), indent=1) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
