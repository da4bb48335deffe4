"""What one measurement is: a network, who speaks and who watches over it, and what it found."""

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

TICK_HZ = 60
TICK_MS = 1_000 / TICK_HZ


@dataclass(frozen=True)
class Line:
    """What the relay does to packets, the same in both directions unless it says so."""

    rtt_ms: int
    loss_percent: float = 0
    spell_ms: int | None = None
    down_kbit: int | None = None
    queue_bytes: int | None = None

    def flags(self) -> list[str]:
        flags = ["--rtt", f"{self.rtt_ms}ms", "--loss", str(self.loss_percent)]
        if self.spell_ms is not None:
            flags += ["--spell", f"{self.spell_ms}ms"]
        if self.down_kbit is not None:
            flags += ["--down-rate-kbit", str(self.down_kbit)]
        if self.queue_bytes is not None:
            flags += ["--queue", str(self.queue_bytes)]
        return flags


@dataclass(frozen=True)
class Way:
    """How states come down."""

    transport: str
    lane: str

    def __str__(self) -> str:
        name = {"quic": "QUIC", "ws": "WebSocket", "wt": "WebTransport"}[self.transport]
        return f"`{self.lane}`, {name}"


UNRELIABLE = Way("quic", "unreliable")
LATEST = Way("quic", "latest")
WEBSOCKET = Way("ws", "latest")


@dataclass(frozen=True)
class Cell:
    """One measurement. Speakers are beside the server: only the way down to the watchers is bad."""

    line: Line
    way: Way
    body: int = 200
    tick_hz: float = TICK_HZ
    speakers: int = 1
    watchers: int = 4
    warmup_s: float = 2
    seconds: float = 20
    congestion: str = "fresh"
    # TCP connections that carry as much as they can down the same line; with `alone` there is no watcher beside them.
    rivals: int = 0
    alone: bool = False

    def facts(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return asdict(self)

    def name(self) -> str:
        """The same for the same cell, fit for a file."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        line = self.line
        words = [f"RTT {line.rtt_ms} ms", f"loss {line.loss_percent:g} %"]
        if line.spell_ms is not None:
            words.append(f"in spells of {line.spell_ms} ms")
        if line.down_kbit is not None:
            words.append(f"{line.down_kbit} kbit/s")
        if line.queue_bytes is not None:
            words.append(f"queue {line.queue_bytes // 1024} KiB")
        words.append("TCP alone" if self.alone else f"{self.way}, {self.body} B, {self.congestion}")
        return ", ".join(words)


@dataclass
class Found:
    """What a cell found: the watchers' summary, the relay's, and the server's counters at the end."""

    cell: Cell
    game: dict[str, Any] = field(default_factory=dict)
    relay: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    # Bytes of each flow while it was measured, if there were rivals.
    flows: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def has_ages(self) -> bool:
        """Whether any state came."""
        return self.game.get("states_received_per_s", 0) > 0

    def age(self, quantile: str) -> float:
        """Milliseconds; `quantile` is p50, p90, p99, p999 or max."""
        return self.game[f"state_age_{quantile}_us"] / 1_000

    def facts(self) -> dict[str, Any]:
        return asdict(self) | {"cell": self.cell.facts(), "name": str(self.cell)}
