"""The table as a picture: an SVG that needs nothing else, readable on light and on dark ground."""

import math
from collections.abc import Callable, Iterator

from .cell import Cell, Found
from .matrix import SPELL_MS, LOSSES_PERCENT, RTTS_MS, WAYS, cell

# The picture, a panel in it, and what is around them.
WIDTH, LEFT, TOP = 960, 56, 112
PANEL_WIDTH, PANEL_HEIGHT, GAP, ROW_GAP = 282, 196, 16, 62
TICKS_MS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
# From the middle of a column to that of a way's bar.
APART = 17
CLASSES = ("datagram", "stream", "websocket")

STYLE = """
    .ink  { fill: #1f2328; }
    .dim  { fill: #57606a; font-size: 12px; }
    .grid { stroke: #d0d7de; stroke-width: 1; }
    .half { stroke: #57606a; stroke-width: 1; stroke-dasharray: 3 4; }
    .datagram  { stroke: #1a7f37; fill: #1a7f37; }
    .stream    { stroke: #0969da; fill: #0969da; }
    .websocket { stroke: #bc4c00; fill: #bc4c00; }
    .body { stroke-width: 8; stroke-opacity: 0.38; }
    .tail { stroke-width: 2; }
    .middle { stroke-width: 0; }
    @media (prefers-color-scheme: dark) {
      .ink  { fill: #f0f6fc; }
      .dim  { fill: #9198a1; }
      .grid { stroke: #30363d; }
      .half { stroke: #9198a1; }
      .datagram  { stroke: #3fb950; fill: #3fb950; }
      .stream    { stroke: #58a6ff; fill: #58a6ff; }
      .websocket { stroke: #f0883e; fill: #f0883e; }
    }
"""


def draw(found: Callable[[Cell], Found]) -> str:
    """Panels by round trip and by kind of loss; in them a bar for each way from the median to p99, and its tail to p99.9."""
    ages = [age for rtt in RTTS_MS for is_bursty in (False, True) for loss in LOSSES_PERCENT for way in WAYS for age in ages_of(found(cell(way, rtt, loss, is_bursty)))]
    if not ages:
        raise SystemExit("no cell of the table was measured: there is nothing to draw")
    scale = Scale(min(RTTS_MS) / 2, max(ages))
    height = TOP + 2 * PANEL_HEIGHT + ROW_GAP + 64
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title desc" '
        "font-family=\"ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\" font-size=\"14\">",
        '  <title id="title">How old the newest state is, by loss</title>',
        '  <desc id="desc">Age of the newest received state at 60 Hz against packet loss, at round trips of 20, 80 and 150 milliseconds, for unreliable and latest over QUIC '
        "and latest over WebSocket: median, 99th and 99.9th percentile.</desc>",
        f"  <style>{STYLE}  </style>",
        '  <text class="ink" x="20" y="28" font-size="17" font-weight="600">How old is the newest state?</text>',
        '  <text class="dim" x="20" y="48">states of 200 B at 60 Hz; age at the receiver in ms, looked at each millisecond</text>',
        *legend(),
    ]
    for row, is_bursty in enumerate((False, True)):
        top = TOP + row * (PANEL_HEIGHT + ROW_GAP)
        for column, rtt in enumerate(RTTS_MS):
            left = LEFT + column * (PANEL_WIDTH + GAP)
            lines += panel(found, scale, left, top, rtt, is_bursty, names_ages=column == 0)
    lines.append(f'  <text class="dim" x="{WIDTH / 2}" y="{height - 14}" text-anchor="middle">packets lost in each direction</text>')
    return "\n".join([*lines, "</svg>", ""])


class Scale:
    """Ages on a logarithmic axis, from the bottom of a panel to its top."""

    def __init__(self, smallest: float, largest: float) -> None:
        self.low = math.log(smallest / 1.25)
        self.high = math.log(largest * 1.15)

    def y(self, top: float, age: float) -> float:
        return round(top + PANEL_HEIGHT * (self.high - math.log(age)) / (self.high - self.low), 1)

    def ticks(self) -> list[int]:
        return [tick for tick in TICKS_MS if self.low <= math.log(tick) <= self.high]


def ages_of(found: Found) -> list[float]:
    return [found.age(quantile) for quantile in ("p50", "p99", "p999")] if found.has_ages() else []


def legend() -> Iterator[str]:
    for index, (way, kind) in enumerate(zip(WAYS, CLASSES)):
        x = 20 + index * 178
        yield f'  <circle class="{kind} middle" cx="{x + 5}" cy="70" r="5"/><text class="ink" x="{x + 18}" y="75">{str(way).replace("`", "")}</text>'
    x = 590
    yield f'  <g class="stream"><line class="body" x1="{x}" x2="{x + 64}" y1="70" y2="70"/><line class="tail" x1="{x + 64}" x2="{x + 100}" y1="70" y2="70"/>'
    yield f'    <line class="tail" x1="{x + 100}" x2="{x + 100}" y1="65" y2="75"/><circle class="middle" cx="{x}" cy="70" r="4"/></g>'
    for words, at in (("p50", x), ("p99", x + 64), ("p99.9", x + 100)):
        yield f'  <text class="dim" x="{at}" y="58" text-anchor="middle">{words}</text>'
    yield f'  <line class="half" x1="{x + 150}" x2="{x + 190}" y1="70" y2="70"/><text class="dim" x="{x + 198}" y="74">half the round trip</text>'


def panel(found: Callable[[Cell], Found], scale: Scale, left: int, top: int, rtt: int, is_bursty: bool, names_ages: bool) -> Iterator[str]:
    right, bottom = left + PANEL_WIDTH, top + PANEL_HEIGHT
    kind = f"lost {SPELL_MS} ms at a time" if is_bursty else "each lost for itself"
    yield f'  <text class="ink" x="{left}" y="{top - 10}"><tspan font-weight="600">RTT {rtt} ms</tspan>, {kind}</text>'
    for tick in scale.ticks():
        y = scale.y(top, tick)
        yield f'  <line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'
        if names_ages:
            yield f'  <text class="dim" x="{left - 8}" y="{y + 4}" text-anchor="end">{tick:,}</text>'
    half = scale.y(top, rtt / 2)
    yield f'  <line class="half" x1="{left}" x2="{right}" y1="{half}" y2="{half}"/>'
    for column, loss in enumerate(LOSSES_PERCENT):
        middle = left + PANEL_WIDTH * (column + 0.5) / len(LOSSES_PERCENT)
        yield f'  <text class="dim" x="{middle}" y="{bottom + 18}" text-anchor="middle">{loss} %</text>'
        for index, (way, kind) in enumerate(zip(WAYS, CLASSES)):
            yield from bar(scale, top, middle + APART * (index - 1), kind, ages_of(found(cell(way, rtt, loss, is_bursty))))


def bar(scale: Scale, top: int, x: float, kind: str, ages: list[float]) -> Iterator[str]:
    if not ages:
        return
    p50, p99, p999 = (scale.y(top, age) for age in ages)
    said = " / ".join(f"{age:,.0f}" for age in ages)
    yield f'  <g class="{kind}"><title>p50 / p99 / p99.9: {said} ms</title><line class="body" x1="{x}" x2="{x}" y1="{p50}" y2="{p99}"/>'
    yield f'    <line class="tail" x1="{x}" x2="{x}" y1="{p99}" y2="{p999}"/><line class="tail" x1="{x - 5}" x2="{x + 5}" y1="{p999}" y2="{p999}"/>'
    yield f'    <circle class="middle" cx="{x}" cy="{p50}" r="4"/></g>'
