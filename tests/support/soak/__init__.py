"""A server that is killed again and again while people publish and listen; what was promised to them
is checked at the end, in the file itself.

    complaints = await soak(folder, seconds=60, seed=5)

Everything random comes of the seed; what the machine does between is its own. The clients speak the
wire by themselves and know nothing of the server's code.
"""

from support.soak.run import soak

__all__ = ["soak"]
