"""What `quic.congestion` does to ages where packets are lost without anybody's fault, and to who shares a line."""

from collections.abc import Callable

from .acceptance import large
from .cell import LATEST, UNRELIABLE, Cell, Found, Line
from .matrix import LOSSES_PERCENT, ages_of

CONTROLLERS = ("fresh", "cubic", "bbr")
RTTS_MS = (40, 80)
QUEUES_KIB = (32, 64, 128)
BOTTLENECK_KBIT = 10_000


class Congestion:
    """Ages of small states in datagrams and of large ones in streams, by controller."""

    name = "congestion"

    def batches(self) -> list[list[Cell]]:
        return [[self.cell(size, rtt, loss, controller) for controller in CONTROLLERS] for size, rtt, loss in self.conditions()]

    @staticmethod
    def conditions() -> list[tuple[int, int, int]]:
        return [(size, rtt, loss) for size in (200, 4_096) for rtt in RTTS_MS for loss in LOSSES_PERCENT]

    @staticmethod
    def cell(size: int, rtt: int, loss: int, controller: str) -> Cell:
        line = Line(rtt, loss)
        return Cell(line, UNRELIABLE, congestion=controller) if size == 200 else large(LATEST, line, controller)

    def report(self, found: Callable[[Cell], Found]) -> str:
        lines = ["| state | RTT | lost | " + " | ".join(CONTROLLERS) + " |", "|---|---:|---:|" + "---:|" * len(CONTROLLERS)]
        for size, rtt, loss in self.conditions():
            what = f"{size} B, {UNRELIABLE}" if size == 200 else f"{size // 1024} KB, {LATEST}"
            ages = (ages_of(found(self.cell(size, rtt, loss, controller))) for controller in CONTROLLERS)
            lines.append(f"| {what} | {rtt} ms | {loss} % | " + " | ".join(ages) + " |")
        return "\n".join(lines)


class Fairness:
    """A session that is sent more than the line takes, beside a bulk TCP connection: each one's share of the line."""

    name = "fairness"
    seconds = 30

    def batches(self) -> list[list[Cell]]:
        return [[*(self.cell(queue, controller) for controller in CONTROLLERS), self.control(queue)] for queue in QUEUES_KIB]

    def line(self, queue_kib: int) -> Line:
        return Line(40, down_kbit=BOTTLENECK_KBIT, queue_bytes=queue_kib * 1024)

    def cell(self, queue_kib: int, controller: str) -> Cell:
        """Four states of 8 KB at 60 Hz: half as much again as the line takes, three times its fair share."""
        return Cell(
            self.line(queue_kib), LATEST, body=8_192, speakers=4, watchers=1, warmup_s=5, seconds=self.seconds, congestion=controller, rivals=1
        )

    def control(self, queue_kib: int) -> Cell:
        """What TCP leaves to TCP."""
        return Cell(self.line(queue_kib), LATEST, watchers=0, warmup_s=5, seconds=self.seconds, rivals=2, alone=True)

    def report(self, found: Callable[[Cell], Found]) -> str:
        lines = ["| queue | beside one TCP | its share | TCP's share | line used | states, p50 / p99 / p99.9 |", "|---:|---|---:|---:|---:|---:|"]
        for queue in QUEUES_KIB:
            for cell in (*(self.cell(queue, controller) for controller in CONTROLLERS), self.control(queue)):
                of = found(cell)
                if not of.flows:
                    continue
                shares = self.shares(of)
                who = "another TCP" if cell.alone else f"{cell.way}, {cell.congestion}"
                cells = [f"{queue} KiB", who, *(f"{share:.0f} %" for share in shares), "–" if cell.alone else ages_of(of)]
                lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    @staticmethod
    def shares(found: Found) -> tuple[float, float, float]:
        """Percent of what went down the line: the other's, TCP's; and percent of the line that was used."""
        flows = found.flows
        tcp = flows["tcp_bytes"][-1]
        other = flows["tcp_bytes"][0] if found.cell.alone else flows["other_bytes"]
        used = flows["line_bytes"] * 8 / 1_000 / flows["seconds"] / BOTTLENECK_KBIT
        return other * 100 / (tcp + other), tcp * 100 / (tcp + other), used * 100
