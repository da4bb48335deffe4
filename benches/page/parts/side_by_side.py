"""The groups of `benches.side_by_side`, each a part of its own: one that fails leaves the others' rows."""

import sys
from typing import Any

from ...side_by_side.figures import HEAD
from ..ground import Ground, load
from ..needs import BUFFERS, CORES, FILES, TASKSET, Need
from ..record import Record

ALTERNATIONS = 5


class Group:
    def __init__(self, name: str, what: str, minutes: tuple[float, float], *needs: Need) -> None:
        self.name, self.what, self.minutes = name, what, minutes
        self.needs = (CORES, FILES, TASKSET, *needs)

    def measure(self, ground: Ground) -> Any:
        out = ground.fresh(f"{self.name}.samples.json")
        flags = ["--quick"] if ground.quick else ["--alternations", ALTERNATIONS]
        for flag, path in (("--uws-echo", ground.uws_echo), ("--uws-load", ground.uws_load)):
            flags += [flag, path] if path else []
        binaries = [word for name, flag in (("ringway", "--ringway"), ("ringway-load", "--load"), ("ringway-bench", "--bench")) for word in (flag, ground.binary(name))]
        cores = ["--server-core", ground.server_core, "--client-core", ground.client_core]
        ground.run(self.name, sys.executable, "-m", "benches.side_by_side", self.name, *flags, *binaries, *cores, "--out", out)
        found = load(out, self.name)
        return {"rows": found["rows"][self.name], "samples": found["samples"][self.name], "alternations": found["alternations"]}


GROUPS = (
    Group("echo", "echo against uWebSockets' own server; its programs are named by --uws-echo and --uws-load", (4, 0.7)),
    Group("fanout", "fan-out in CPU by delivery, against plain `send`", (15, 3)),
    Group("throughput", "deliveries a second of one core", (2, 0.4)),
    Group("latency", "latency at a set rate, and of two sessions in a room", (3, 0.6)),
    Group("memory", "what idle sessions and many rooms hold", (5, 1)),
    Group("handshakes", "latency of others beside TLS handshakes", (2, 0.4)),
    Group("slow-reader", "age of state at a slow reader", (1, 0.3)),
    Group("hop", "from one shard to another", (0.2, 0.1)),
)
QUIC = Group("quic", "QUIC: fan-out on both lanes, memory, handshakes; against a plain server on quinn", (20, 2), BUFFERS)


def show_groups(groups: tuple[Group, ...], records: dict[str, Record]) -> str:
    """All rows in one table, in the groups' order; a group without rows says why in its place."""
    lines = [HEAD]
    for group in groups:
        record = records.get(group.name)
        if record and record.is_measured():
            lines += ["| " + " | ".join(row) + " |" for row in record.data["rows"]]
        else:
            why = record.verdict() if record else "not measured yet"
            lines.append(f"| {group.what} | {why.replace('|', '/')} | – | – | – | not measured |")
    return "\n".join(lines)
