"""What is measured. `LOADS` has all of it by name, in the order of the table."""

from benchmarks.loads.base import Load
from benchmarks.loads.connections import Connects, Idle, Resident, Start
from benchmarks.loads.fanout import Bursts, Signals, Stored
from benchmarks.loads.growth import Audience, History, Members, Reconnect, RoomList, Topics
from benchmarks.loads.rest import Rest
from benchmarks.loads.restart import Restart
from benchmarks.loads.rooms import Offered, Pipelining

LOADS: dict[str, Load] = {
    kind.name: kind()
    for kind in (
        Signals,
        Stored,
        Bursts,
        Pipelining,
        Offered,
        Rest,
        Idle,
        Connects,
        Restart,
        Audience,
        Topics,
        Members,
        History,
        RoomList,
        Reconnect,
        Start,
        Resident,
    )
}
