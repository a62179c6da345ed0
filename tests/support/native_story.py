"""What may happen to clients of the native protocol, who come back with a position of their own."""

from support.devices import Device
from support.story import NAMES, PEOPLE, ROOMS, Story, topic_of
from tornado_chat.messages import MINE, Identity
from tornado_chat.outbox import Outbox
from tornado_chat.session import Session

CROWD = 4  # a fan-out takes so many turns more


class Nobody:
    """Takes everything, and has nothing to say about it."""

    def write(self, data, drained):
        return True


class NativeStory(Story):
    """Three people with four devices, and a crowd that listens in every room."""

    def __init__(self, folder):
        super().__init__(folder)
        self.acknowledged = {}
        self.peers = [
            Device(self, "ann's phone", "ann"),
            Device(self, "bob's phone", "bob", ["staff"]),
            Device(self, "cas's phone", "cas", ["staff"]),
            Device(self, "ann's desk", "ann"),
        ]

    def _begin(self):
        super()._begin()
        house = self.house
        for number in range(CROWD):
            outbox = Outbox(Nobody(), 0, house.budget, house.hub.dirty)
            identity = Identity(f"crowd{number}", "SHOP", "Crowd")
            session = Session(identity, house.native, Nobody(), outbox)
            for name in ROOMS:
                house.hub.subscribe(session, topic_of(name), house.hub.mark).live = True

    # What is true

    def agrees(self, since):
        """Whether that offset lies in the stretch of that epoch: both ends belong to it."""
        ends = [*list(self.epochs.values())[1:], self.head]
        first, last = dict(
            zip(self.epochs, zip(self.epochs.values(), ends, strict=True), strict=True)
        ).get(since["epoch"], (1, 0))
        return not since["offset"] or first <= since["offset"] <= last

    def holds(self, last):
        """Whether the log has that message, (offset, number), at its place."""
        return not last or any((m.offset, m.data["n"]) == last for m in self.log)

    def acknowledge(self, number, offset):
        found = [message.offset for message in self.log if message.data["n"] == number]
        assert found == [offset], f"acknowledged at {offset}, in the log at {found}"
        self.acknowledged[number] = offset

    def check_refusal(self, reader, code):
        """Nobody is told that something ended where it did not."""
        user, topic = reader.device.identity.user_id, reader.topic
        if code == "denied":
            left = [each for each in self.departures if each[:2] == (topic, user)]
            assert left or user not in PEOPLE[:2], f"{reader}: denied, but never left"
        elif code == "conflict":
            assert reader.incomplete(), f"{reader}: nothing that it misses was thrown away"
        else:
            assert code == "unavailable", f"{reader}: {code}"

    # The words

    def publish(self, a, b):
        self._peer(a).publish(ROOMS[b % 2], b * 40)

    def subscribe(self, a, b):
        """Comes back with what it has, or (two of six) begins anew or at the very beginning. What it
        has asked for is left first; only who does not ask for all that is his may ask twice."""
        device, name = self._peer(a), NAMES[b % len(NAMES)]
        if name == MINE and device in self.peers[::3]:
            name = ROOMS[0]
        reader = device.reader(name)
        if reader.wanted and device not in self.peers[::3]:
            device.unsubscribe(name)
        elif b // len(NAMES) == 1:
            device.subscribe("start", name)
        elif b // len(NAMES) == 2:
            device.subscribe(None, name)
        elif reader.listens:
            device.unsubscribe(name)
        else:
            device.subscribe(reader.since(), name)

    def revoke(self, a, b):
        self.house.loop.call_soon(self._revoke, PEOPLE[a % 3], None)

    # The end

    def settle(self):
        """Lets everything happen that is under way, then brings everybody back, then looks."""
        self._come_to_rest()
        for device in self.peers:
            names = [name for name, reader in device.readers.items() if not reader.listens]
            for name in names:
                device.subscribe(device.readers[name].since(), name)
        self._come_to_rest()
        for device in self.peers:
            for reader in device.readers.values():
                reader.check_complete()
        self.check_log()
