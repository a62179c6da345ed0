"""A day in a busy public channel: real logs where they lie beside the project, made up elsewhere."""

import random
import re
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
LINE = re.compile(r"\[\d\d:\d\d\] <([^>]+)> ?(.*)")


def conversation():
    """(where from, [(nick, text)]): each text begins with the number of its line, so none is twice."""
    files = sorted((SHARED / "ubuntu-irc").glob("*.raw.txt"))
    if not files:
        return "generated", generated()
    lines = []
    for file in files:
        for line in file.read_text("utf-8", "replace").splitlines():
            found = None if line.startswith("=== ") else LINE.match(line)
            if found:
                lines.append((found[1].strip(), found[2]))
    return "ubuntu-irc", [(nick, f"{number} {text}") for number, (nick, text) in enumerate(lines)]


def generated(messages=3000, people=150, seed=7):
    """As uneven as people are: few talk much, texts of every length and script."""
    chance = random.Random(seed)
    nicks = [f"nick{number}" for number in range(people)]
    weights = [1 / (1 + number) for number in range(people)]
    words = [
        "hello",
        "linux",
        "Señor",
        "中文",
        "🙂",
        "<b>",
        '"quoted"',
        "back\\slash",
        "\t",
        "ü" * 9,
    ]
    return [
        (
            chance.choices(nicks, weights)[0],
            f"{number} " + " ".join(chance.choices(words, k=chance.randint(1, 40))),
        )
        for number in range(messages)
    ]
