"""The binary format, as far as these tests need it, from the documents and not from the router's code: commands are the golden vectors, events
are read by hand (docs/protocol.md, "The binary format"; flatbuffers' internals)."""

import struct
from pathlib import Path

VECTORS = Path(__file__).resolve().parents[3] / "schema" / "vectors"

# Kinds of events.
WELCOME, JOINED, PUBLISHED, PONG, MESSAGE, ERROR, CLOSING = 65, 67, 70, 73, 80, 84, 85
# Lanes.
RELIABLE, LATEST, UNRELIABLE = 0, 1, 2
# Fields of the root table, and of `detail`.
HEAD, BODY, DETAIL, USER, KEY, ROOM = range(6)
CODE, NAME = 10, 11


def command(name):
    """A golden command, size prefix included."""
    return (VECTORS / "commands" / f"{name}.bin").read_bytes()


class Table:
    """A flatbuffers table at a place of a buffer."""

    def __init__(self, buffer, at):
        self.buffer, self.at = buffer, at
        self.vtable = at - struct.unpack_from("<i", buffer, at)[0]

    def place(self, field):
        """Where a field is; None if it is absent."""
        size = struct.unpack_from("<H", self.buffer, self.vtable)[0]
        slot = 4 + 2 * field
        offset = struct.unpack_from("<H", self.buffer, self.vtable + slot)[0] if slot < size else 0
        return self.at + offset if offset else None

    def reference(self, field):
        """Where that is to which a field refers."""
        place = self.place(field)
        return None if place is None else place + struct.unpack_from("<I", self.buffer, place)[0]

    def bytes(self, field):
        at = self.reference(field)
        if at is None:
            return None
        length = struct.unpack_from("<I", self.buffer, at)[0]
        return bytes(self.buffer[at + 4 : at + 4 + length])

    def table(self, field):
        at = self.reference(field)
        return None if at is None else Table(self.buffer, at)

    def number(self, field, form):
        place = self.place(field)
        return 0 if place is None else struct.unpack_from(form, self.buffer, place)[0]


class Event:
    """One frame of the server."""

    def __init__(self, frame):
        # Offsets count from the size prefix on; behind it is that of the root.
        root = Table(frame, 4 + struct.unpack_from("<I", frame, 4)[0])
        head = struct.unpack_from("<QQQQBBBBI", frame, root.place(HEAD))
        self.handle, self.place, self.time, self.session = head[:4]
        self.kind, self.lane, self.body_kind, self.flags, self.id = head[4:]
        self.body, self.user, self.key, self.room = (root.bytes(field) for field in (BODY, USER, KEY, ROOM))
        detail = root.table(DETAIL)
        self.code = detail.number(CODE, "<H") if detail else 0
        self.name = detail.bytes(NAME) if detail else None


class Reader:
    """Cuts a stream of bytes into frames."""

    def __init__(self):
        self.held = b""

    def events(self, data):
        self.held += data
        while len(self.held) >= 4:
            end = 4 + struct.unpack_from("<I", self.held)[0]
            if len(self.held) < end:
                return
            frame, self.held = self.held[:end], self.held[end:]
            yield Event(frame)
