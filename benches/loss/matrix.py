"""Age against loss and distance, for the ways that states come: the table and the plot."""

from collections.abc import Callable

from .cell import LATEST, UNRELIABLE, WEBSOCKET, Cell, Found, Line, Way

RTTS_MS = (20, 80, 150)
LOSSES_PERCENT = (0, 1, 5, 10)
# Four ticks.
SPELL_MS = 67
WAYS = (UNRELIABLE, LATEST, WEBSOCKET)
QUANTILES = ("p50", "p99", "p999")


def cell(way: Way, rtt_ms: int, loss_percent: float, is_bursty: bool) -> Cell:
    """Without loss there are no bursts. Watchers share them: more time, not more watchers, is what shows more of them."""
    if is_bursty and loss_percent:
        return Cell(Line(rtt_ms, loss_percent, SPELL_MS), way, seconds=40)
    return Cell(Line(rtt_ms, loss_percent), way)


class Matrix:
    name = "table"

    def batches(self) -> list[list[Cell]]:
        return [
            [cell(way, rtt, loss, is_bursty) for way in WAYS]
            for is_bursty in (False, True)
            for rtt in RTTS_MS
            for loss in LOSSES_PERCENT
            if loss or not is_bursty
        ]

    def report(self, found: Callable[[Cell], Found]) -> str:
        lines = ["| RTT | lost | " + " | ".join(map(str, WAYS)) + " |", "|---:|---:|" + "---:|" * len(WAYS)]
        for rtt in RTTS_MS:
            for is_bursty in (False, True):
                for loss in LOSSES_PERCENT:
                    if loss or not is_bursty:
                        ages = (ages_of(found(cell(way, rtt, loss, is_bursty))) for way in WAYS)
                        bursts = f", {SPELL_MS} ms at a time" if is_bursty else ""
                        lines.append(f"| {rtt} ms | {loss} %{bursts} | " + " | ".join(ages) + " |")
        return "\n".join(lines)


def ages_of(found: Found) -> str:
    """p50 / p99 / p99.9 in milliseconds."""
    return " / ".join(f"{found.age(quantile):,.0f}" for quantile in QUANTILES) if found.has_ages() else "–"
