"""The server is killed at random, and nobody loses what was promised to him (design section 5).

`SOAK_SEED` repeats the order of events of a run, `SOAK_SECONDS` lets it take longer; `make soak`
does both. Everything is checked in the file and in what clients saw, by no code of the server.
"""

import os

import pytest

from support.soak import soak

SECONDS = float(os.environ.get("SOAK_SECONDS") or 60)


@pytest.mark.timeout(SECONDS * 1.5 + 400)
async def test_killed_at_random_nothing_is_lost_and_nothing_doubled(tmp_path, tell):
    seed = os.environ.get("SOAK_SEED") or os.urandom(4).hex()
    report(f"seed {seed}, {SECONDS:.0f} s")
    tell(f"soak: seed {seed}, {SECONDS:.0f} s")
    world = await soak(tmp_path, seconds=SECONDS, seed=seed, progress=report)
    tell(f"soak: {world.summary}")
    assert not world.complaints, "\n".join([f"SOAK_SEED={seed}", *world.complaints])


def report(text):
    print(f"soak: {text}", flush=True)
