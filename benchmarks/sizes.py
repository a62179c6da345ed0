"""How much of everything there is in a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """`seconds`: what one measurement takes, `repeats`: how often it is made; of each load how many
    take part. `rows`, `topics`, `among`: what lies in the store while it grows."""

    seconds: float
    repeats: int
    hearers: int
    senders: int
    offered: int
    callers: int
    idle: int
    connects: int
    crowd: int
    users: int
    audience: tuple[int, ...]
    topics: tuple[int, ...]
    members: tuple[int, ...]
    rows: tuple[int, ...]
    among: tuple[int, ...]
    own_rooms: int
    reconnects: int


SIZES = {
    "tiny": Size(
        seconds=0.5,
        repeats=1,
        hearers=20,
        senders=5,
        offered=100,
        callers=4,
        idle=200,
        connects=100,
        crowd=50,
        users=20,
        audience=(10, 50),
        topics=(10, 1000),
        members=(5, 100),
        rows=(1_000, 20_000),
        among=(50, 500),
        own_rooms=50,
        reconnects=20,
    ),
    "small": Size(
        seconds=2.0,
        repeats=3,
        hearers=500,
        senders=50,
        offered=1000,
        callers=32,
        idle=2000,
        connects=1000,
        crowd=1000,
        users=200,
        audience=(10, 100, 1000),
        topics=(10, 10_000),
        members=(5, 1000),
        rows=(10_000, 1_000_000),
        among=(1000, 10_000),
        own_rooms=1000,
        reconnects=100,
    ),
    "full": Size(
        seconds=5.0,
        repeats=5,
        hearers=500,
        senders=50,
        offered=1000,
        callers=32,
        idle=10_000,
        connects=3000,
        crowd=5000,
        users=200,
        audience=(10, 100, 1000, 10_000),
        topics=(10, 100_000),
        members=(5, 5000),
        rows=(10_000, 10_000_000),
        among=(1000, 100_000),
        own_rooms=1000,
        reconnects=200,
    ),
}
