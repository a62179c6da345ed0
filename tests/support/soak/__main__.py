"""`python -m support.soak [SECONDS [SEED]]`, in the folder of the tests."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from support.soak import soak

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
seed = sys.argv[2] if len(sys.argv) > 2 else os.urandom(4).hex()
print(f"seed {seed}", flush=True)
with tempfile.TemporaryDirectory() as folder:
    world = asyncio.run(soak(Path(folder), seconds=seconds, seed=seed, progress=print))
print(world.summary)
for text in world.complaints[:100]:
    print(text)
sys.exit(bool(world.complaints))
