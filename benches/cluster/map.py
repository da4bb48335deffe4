"""What the coordinator holds: the same bytes however many rooms there are."""

import base64
import json
import urllib.request

from ..side_by_side.figures import Row, show
from ..side_by_side.rooms import Guests
from .field import CLIENTS_PORT, alike

PREFIX = b"ringway/"


class Map:
    name = "map"

    def __init__(self, field):
        self.field = field
        self.count = 1_000 if field.quick else 100_000

    def alternation(self, figures):
        # Rooms are many only once: it takes a while, and counting is exact.
        if figures.get("rooms"):
            return
        before = stored_bytes()
        with Guests(CLIENTS_PORT, self.field.other.address) as guests:
            guests.join(self.count, f"{alike(1)[0]}:")
            after = stored_bytes()
        figures.record("rooms", self.count)
        figures.record("before", before)
        figures.record("of a room", (after - before) / self.count)

    @staticmethod
    def rows(figures):
        grown, rooms = figures.get("of a room"), figures.get("rooms")
        beside = f"keys and values in all, with and without the rooms: {show(figures.get('before'), 'B')}"
        yield Row(f"bytes in the coordinator for each room, {show(rooms)} rooms", show(grown, "B"), beside, "–", "0", grown, 0)


def stored_bytes():
    """All keys and values of the installation in etcd."""
    from promises.etcd import URLS

    span = {"key": base64.b64encode(PREFIX).decode(), "range_end": base64.b64encode(PREFIX[:-1] + bytes([PREFIX[-1] + 1])).decode()}
    with urllib.request.urlopen(f"{URLS[0]}/v3/kv/range", json.dumps(span).encode(), timeout=10) as answer:
        pairs = json.load(answer).get("kvs", [])
    if not pairs:
        raise RuntimeError("the coordinator holds nothing")
    return sum(len(base64.b64decode(pair[half])) for pair in pairs for half in ("key", "value") if half in pair)
