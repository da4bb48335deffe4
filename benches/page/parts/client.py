"""How much one core of load generator takes: against a stub that costs far less, so that the client and not the server is what is full."""

from typing import Any

from ...side_by_side.figures import HEAD, Row, show
from ..ground import Failed, Ground
from ..needs import CORES
from ..record import Record
from .stub import Stub

SUBSCRIBERS = 1_000
# Publications in a write: the stub pays for a write what the client pays for a read.
BURST = 64
# Deliveries a second that are asked for; what comes is what the client takes.
ASKED_M = (2, 3, 4, 6, 8)
CONNECTIONS, BYTES = 100, 64
# Echoes of a connection on their way at once: what comes in one read goes back in one write.
IN_FLIGHT = 16
ALTERNATIONS = 5
DELIVERIES_MIN, ECHOES_MIN = 3e6, 400e3


class Client:
    name = "client"
    what = "deliveries and echoes a second that one core of `ringway-load` takes"
    minutes = (3, 0.5)
    needs = (CORES,)

    def measure(self, ground: Ground) -> Any:
        seconds, rounds = ("1s", 1) if ground.quick else ("4s", ALTERNATIONS)
        found: dict[str, list[float]] = {}

        def record(name: str, summary: dict, rate: str) -> None:
            bound = float(summary["limited_by"] == "client")
            for key, value in ((rate, summary[rate]), ("client", summary["client_cpu"]), ("server", summary["server_cpu"]), ("bound", bound)):
                found.setdefault(f"{name} {key}", []).append(value)

        for _ in range(rounds):
            with Stub(ground, self.name) as stub:
                record("fanout", self.best(stub, seconds), "deliveries_per_s")
            with Stub(ground, self.name) as stub:
                load = ("--connections", CONNECTIONS, "--size", BYTES, "--duration", seconds)
                record("echo", stub.load("echo", *load, "--in-flight", IN_FLIGHT), "messages_per_s")
            with Stub(ground, self.name) as stub:
                record("single", stub.load("echo", *load), "messages_per_s")
        return found

    def best(self, stub: Stub, seconds: str) -> dict[str, Any]:
        """The run with the most deliveries. A rate at which a promise is broken ends the climb: beyond it is only more of that."""
        runs: list[dict[str, Any]] = []
        for asked_m in ASKED_M:
            try:
                runs.append(self.deliveries(stub, asked_m, seconds))
            except Failed:
                if not runs:
                    raise
                break
        # Where the client marks itself as what is full, the number is worth less than one where it does not.
        return max(runs, key=lambda summary: (summary["limited_by"] != "client", summary["deliveries_per_s"]))

    def deliveries(self, stub: Stub, asked_m: int, seconds: str) -> dict[str, Any]:
        load = ("--rooms", 1, "--subscribers", SUBSCRIBERS, "--publishers", 1, "--rate", asked_m * 1_000_000 / SUBSCRIBERS, "--burst", BURST)
        # What is beyond a core is to wait, not to be lost: it has all the time it needs in the end.
        return stub.load("fanout", *load, "--body", 64, "--no-ack", "--settle", "20s", "--duration", seconds)


def show_client(record: Record) -> str:
    data = record.data

    def row(what: str, name: str, rate: str, reach: str, limit: float | None) -> Row:
        rates, shares = data[f"{name} {rate}"], data[f"{name} client"]
        of_a_core = [a / b for a, b in zip(rates, shares) if b]
        bound = f"client-bound in {sum(map(int, data[f'{name} bound']))} of {len(rates)}"
        used = f"client's core used: {show(shares)}, the stub's: {show(data[f'{name} server'])}; {bound}"
        return Row(what, show(rates, "/s"), used, show(of_a_core, "/s of a whole core"), reach, rates, limit, at_least=True)

    rows = (
        row(f"deliveries/s, {SUBSCRIBERS:,} subscribers, {BURST} in a write", "fanout", "deliveries_per_s", "≥ 3 M", DELIVERIES_MIN),
        row(f"echoes/s, {CONNECTIONS} connections, {BYTES} B, {IN_FLIGHT} in flight on each", "echo", "messages_per_s", "≥ 400k", ECHOES_MIN),
        row("the same, one in flight on each: a read and a write for each", "single", "messages_per_s", "–", None),
    )
    return "\n".join([HEAD, *(row.markdown() for row in rows)])
