"""How the processes of one site ring each other. With one process there is nobody to ring."""

from tornado_chat.engine.base import Engine, OnRing, OnTell
from tornado_chat.engine.memory import MemoryEngine
from tornado_chat.errors import SetupError

__all__ = ["Engine", "MemoryEngine", "OnRing", "OnTell", "open_engine"]


def open_engine(url: str) -> Engine:
    """The engine that `[engine] url` names."""
    if url == "memory:":
        return MemoryEngine()
    scheme = url.partition(":")[0]
    raise SetupError(f"in engine.url: {scheme}: this version has memory: only")
