"""The cells that have a limit, as rows of the table of docs/benchmarks.md."""

from collections.abc import Callable, Iterator

from ..side_by_side.figures import Row, number, table
from .cell import LATEST, TICK_MS, UNRELIABLE, WEBSOCKET, Cell, Found, Line, Way

FAR = Line(80, 5)
NEAR = Line(40, 5)
STILL = Line(80)
NARROW = Line(40, down_kbit=256)
READER_MS = 250
# One state, or those of eight players; either way a line of 256 kbit/s takes no more than a third of what is published.
READER = {"body": 500, "tick_hz": 200, "watchers": 1, "warmup_s": 3}
CROWD = {"speakers": 8, "watchers": 1, "warmup_s": 3}


def large(way: Way, line: Line = NEAR, congestion: str = "fresh") -> Cell:
    return Cell(line, way, body=4_096, watchers=2, congestion=congestion)


class Acceptance:
    name = "acceptance"

    def batches(self) -> list[list[Cell]]:
        return [
            [Cell(FAR, UNRELIABLE), Cell(FAR, LATEST), Cell(STILL, UNRELIABLE)],
            [large(UNRELIABLE), large(LATEST)],
            [Cell(NARROW, way, **READER) for way in (LATEST, UNRELIABLE, WEBSOCKET)],
            [Cell(NARROW, way, **CROWD) for way in (LATEST, UNRELIABLE, WEBSOCKET)],
        ]

    def report(self, found: Callable[[Cell], Found]) -> str:
        return table(list(self.rows(found)))

    def rows(self, found: Callable[[Cell], Found]) -> Iterator[Row]:
        def row(what: str, cell: Cell, quantile: str, against: str, beyond_ms: float, limit: str, limit_ms: float) -> Row:
            """An age beyond what it is compared with."""
            if not found(cell).has_ages():
                return Row(what, "–", against, "–", limit, [], limit_ms)
            age = found(cell).age(quantile)
            return Row(what, f"{number(age)} ms", against, f"{age - beyond_ms:+.1f} ms", limit, [age - beyond_ms], limit_ms)

        still, far = STILL.rtt_ms / 2, FAR.rtt_ms / 2
        yield row("no loss, RTT 80 ms, p50: the instrument", Cell(STILL, UNRELIABLE), "p50", "half the RTT", still, "half a tick + 2 ms", TICK_MS / 2 + 2)
        yield row("the same, p99", Cell(STILL, UNRELIABLE), "p99", "half the RTT", still, "a tick + 3 ms", TICK_MS + 3)
        yield row(f"{UNRELIABLE}, RTT 80 ms, 5 % lost, p99", Cell(FAR, UNRELIABLE), "p99", "half the RTT", far, "≤ 3 ticks", 3 * TICK_MS)
        other = found(Cell(FAR, UNRELIABLE))
        base = other.age("p99") if other.has_ages() else far
        yield row(f"{LATEST}, the same", Cell(FAR, LATEST), "p99", "`unreliable`", base, "≤ 1 tick", TICK_MS)
        for way in (UNRELIABLE, LATEST):
            yield row(f"{way}, 4 KB, RTT 40 ms, 5 % lost, p50", large(way), "p50", "–", 0, "< 50 ms", 50)
        for what, load in (("1 state", READER), ("8 states", CROWD)):
            for way in (LATEST, UNRELIABLE, WEBSOCKET):
                cell = Cell(NARROW, way, **load)
                yield row(f"{way}, {what} on 256 kbit/s, the oldest", cell, "max", "RTT", NARROW.rtt_ms, f"≤ {READER_MS} ms", READER_MS)
