"""Whether the load generator reports what was: its percentiles beside those that the stub knows of its own deliveries, and beside what arithmetic expects."""

from dataclasses import asdict, dataclass
from typing import Any

from ...side_by_side.figures import number
from ..ground import Failed, Ground
from ..markdown import table
from ..needs import CORES
from ..record import Record
from .stub import Stub

PERCENTILES = (("p50_us", 0.5, "p50"), ("p90_us", 0.9, "p90"), ("p99_us", 0.99, "p99"), ("p999_us", 0.999, "p99.9"), ("max_us", 1.0, "max"))
# How far a report may be off: whichever is more.
OFF, OFF_US = 0.02, 5


@dataclass(frozen=True)
class Case:
    """What the stub does to deliveries, and the load that meets it."""

    name: str
    rate: int
    subscribers: int
    seconds: float
    # Milliseconds: drawn evenly between the two for each delivery.
    low_ms: float = 0
    high_ms: float = 0
    stall_ms: float = 0
    stall_at_s: float = 0

    def flags(self) -> list[str]:
        if self.stall_ms:
            return ["--stall", f"{self.stall_ms:g}ms", "--stall-at", f"{self.stall_at_s:g}s"]
        if not self.high_ms:
            return []
        return ["--delay", f"{self.low_ms:g}ms" if self.low_ms == self.high_ms else f"uniform:{self.low_ms:g}ms..{self.high_ms:g}ms"]

    def expected_us(self, quantile: float) -> float:
        """By arithmetic: what the programme alone makes of a publication that costs nothing else.

        A stall holds up what was meant to be sent within it, and each of those for the rest of it: in the order of their lateness the latest
        share of `stall / seconds` lies evenly between nothing and the stall.
        """
        if self.stall_ms:
            return max(self.stall_ms - (1 - quantile) * self.seconds * 1_000, 0) * 1_000
        return (self.low_ms + quantile * (self.high_ms - self.low_ms)) * 1_000


# One reader where one shows all: the client's other reads are no part of what is asked. Publications are further apart than delays differ: none waits for the one
# before it.
CASES = (
    Case("no delay", rate=1_000, subscribers=1, seconds=10),
    Case("5 ms", rate=1_000, subscribers=1, seconds=10, low_ms=5, high_ms=5),
    Case("1 to 9 ms, evenly", rate=100, subscribers=20, seconds=10, low_ms=1, high_ms=9),
    Case("one stall of 200 ms in 10 s", rate=1_000, subscribers=1, seconds=10, stall_ms=200, stall_at_s=3),
)
QUICK = (
    *(Case(**asdict(case) | {"seconds": 2}) for case in CASES[:3]),
    Case("one stall of 200 ms in 2 s", rate=1_000, subscribers=1, seconds=2, stall_ms=200, stall_at_s=0.5),
)


class Instrument:
    name = "instrument"
    what = "whether `ringway-load` reports the latencies that were"
    minutes = (1, 0.3)
    needs = (CORES,)

    def measure(self, ground: Ground) -> Any:
        return [self.case(ground, case) for case in (QUICK if ground.quick else CASES)]

    def case(self, ground: Ground, case: Case) -> dict[str, Any]:
        with Stub(ground, self.name, "--spin", *case.flags()) as stub:
            # Without a warm-up, so that both sides speak of the same publications.
            load = ("--rooms", 1, "--subscribers", case.subscribers, "--publishers", 1, "--rate", case.rate, "--body", 64, "--no-ack", "--spin")
            reported = stub.load("fanout", *load, "--warmup", "0s", "--duration", f"{case.seconds:g}s")
        truth = stub.truth()
        if truth["stamped"] != truth["deliveries"]:
            raise Failed(f"{truth['deliveries'] - truth['stamped']} bodies had no stamp that the stub could read")
        names = [name for name, *_ in PERCENTILES]
        return {
            "case": asdict(case), "reported": {name: reported[name] for name in names}, "truth": {name: truth[name] for name in names},
            "deliveries": truth["deliveries"], "put_off": truth["put_off"], "lag_p99_us": reported["send_lag_p99_us"],
        }


def show_instrument(record: Record) -> str:
    rows = [row for found in record.data for row in rows_of(found)]
    return table(["what the server did to deliveries", "reported", "truth", "off by", "by arithmetic", "reach", "reached"], rows, right=5)


def rows_of(found: dict[str, Any]) -> list[list[str]]:
    case = Case(**found["case"])
    rows = []
    for name, quantile, shown in PERCENTILES:
        reported, truth, expected = found["reported"][name], found["truth"][name], case.expected_us(quantile)
        off = reported - truth
        reached = abs(off) <= max(OFF * truth, OFF_US)
        what = shown if rows else f"{case.name}, {case.rate:,} /s to {case.subscribers}: {shown}"
        share = f" ({off / truth * 100:+.1f} %)" if truth else ""
        by_arithmetic = f"{number(expected)} µs" if expected >= 1 else "–"
        off_by = f"{'+' if off >= 0 else '−'}{number(abs(off))} µs{share}"
        rows.append([what, f"{number(reported)} µs", f"{number(truth)} µs", off_by, by_arithmetic, f"{OFF * 100:g} % or {OFF_US} µs", "yes" if reached else "**no**"])
    if found["put_off"]:
        rows.append([f"{found['put_off']} writes did not fit their sockets: they left later than the truth says", *["–"] * 6])
    return rows
