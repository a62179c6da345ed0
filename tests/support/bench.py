"""The harness of `make bench`, which is no part of the distribution."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import client, filled, loads, machine, process, results, sizes
from benchmarks.__main__ import chosen
from benchmarks.loads import base
from benchmarks.peers import PEERS, Bench, Ours

__all__ = [
    "PEERS",
    "Bench",
    "Ours",
    "base",
    "chosen",
    "client",
    "filled",
    "loads",
    "machine",
    "process",
    "results",
    "sizes",
]
