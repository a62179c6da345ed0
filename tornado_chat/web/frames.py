"""What the bytes of a client mean (RFC 6455 section 5): unmasked, checked, fragments joined.

Read in whole pieces as they come from the kernel, not field by field: a small frame costs a few
microseconds, and one that waits for nothing costs no coroutine. Knows no socket.
"""

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA

# Close codes, RFC 6455 7.4.1
PROTOCOL_ERROR, NOT_UTF8, TOO_BIG = 1002, 1007, 1009

# Those that may be sent, RFC 6455 7.4.1 and the registry of IANA
_REGISTERED = {1000, 1001, 1002, 1003, *range(1007, 1015)}

_FIN, _MASKED, _WHOLE_TEXT = 0x80, 0x80, 0x81
_CONTROL_MAX = 125  # bytes


class BadFrame(Exception):
    """The connection cannot go on. `code`: of its close; the text is the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Frames:
    """`feed` it what has come, then ask for the `next` until there is none. `most`: bytes of one
    message, its fragments together."""

    __slots__ = ("_at", "_data", "_most", "_opcode", "_parts")

    def __init__(self, most: int) -> None:
        self._most = most
        self._data: bytes | bytearray = b""
        self._at = 0  # up to there it is read
        self._opcode = 0  # of the message whose fragments are coming
        self._parts: bytearray | None = None  # what has come of it

    def feed(self, data: bytes) -> None:
        """More bytes."""
        if not self._data:
            self._data = data
            return
        # A bytearray grows in place: a large frame is not copied with each piece of it
        rest = self._data if isinstance(self._data, bytearray) else bytearray(self._data)
        del rest[: self._at]
        rest += data
        self._data, self._at = rest, 0

    def next(self) -> tuple[int, bytes] | None:
        """(opcode, payload) of a whole message or a control frame; None until more has come.
        Raises BadFrame."""
        while (frame := self._frame()) is not None:
            first, payload = frame
            if first == _WHOLE_TEXT:
                return TEXT, payload
            opcode = first & 0x0F
            if opcode >= CLOSE:
                return opcode, payload
            if opcode:
                self._opcode, self._parts = opcode, bytearray(payload)
            elif self._parts is not None:
                self._parts += payload
            if first & _FIN and self._parts is not None:
                whole, self._parts = bytes(self._parts), None
                return self._opcode, whole
        return None

    def _frame(self) -> tuple[int, bytes] | None:
        """The first byte and the payload of a frame that is all there."""
        data, at = self._data, self._at
        have = len(data) - at
        if have < 2:
            return None
        first, second = data[at], data[at + 1]
        self._check(first, second)
        size, head = second & 0x7F, 2
        if size > _CONTROL_MAX:
            wide = 2 if size == 126 else 8
            head += wide
            if have < head:
                return None
            size = int.from_bytes(data[at + 2 : at + head])
        if size + len(self._parts or ()) > self._most and first & 0x0F < CLOSE:
            raise BadFrame(TOO_BIG, "message too big")
        start = at + head + 4
        end = start + size
        if len(data) < end:
            return None
        payload = unmasked(data[start - 4 : start], data[start:end])
        if end == len(data):
            self._data, self._at = b"", 0
        else:
            self._at = end
        return first, payload

    def _check(self, first: int, second: int) -> None:
        if not second & _MASKED:
            raise BadFrame(PROTOCOL_ERROR, "a client masks its frames")
        if first == _WHOLE_TEXT and self._parts is None:
            return  # nearly all of them
        opcode = first & 0x0F
        if first & 0x70:
            raise BadFrame(PROTOCOL_ERROR, "no extension was agreed upon")
        if opcode in {CLOSE, PING, PONG}:
            if not first & _FIN or second & 0x7F > _CONTROL_MAX:
                raise BadFrame(PROTOCOL_ERROR, "a control frame is short and whole")
        elif opcode > BINARY:
            raise BadFrame(PROTOCOL_ERROR, "not an opcode")
        elif (opcode == 0) is (self._parts is None):
            raise BadFrame(PROTOCOL_ERROR, "fragments out of order")


def close_code(payload: bytes) -> int | None:
    """What a goodbye gives; None where it gives nothing. Raises BadFrame for what no peer may send
    (RFC 6455 7.4), UnicodeDecodeError for its reason."""
    if not payload:
        return None
    code = int.from_bytes(payload[:2])
    if code not in _REGISTERED and not 3000 <= code < 5000:
        raise BadFrame(PROTOCOL_ERROR, "not a close code")
    payload[2:].decode()
    return code


def unmasked(mask: bytes | bytearray, payload: bytes | bytearray) -> bytes:
    """The payload as it was before RFC 6455 5.3. As one long number: Python has no quicker way."""
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(payload, "little") ^ key).to_bytes(size, "little")
