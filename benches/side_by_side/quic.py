"""QUIC: fan-out on both lanes, memory, handshakes; against a plain server on `quinn` and tokio that sends the same bytes to the same clients."""

import json
import subprocess
import time
from dataclasses import dataclass

from .figures import Row, show
from .process import free_port, stop, wait_for

BODY = 200
LARGE = 4_096
SESSIONS = 2_000
CONCURRENT = 48
STORM_PER_S = 1_000
# Packets for one delivery, and the rate reached, may be off by so much, or the row measures something else than it says.
OFF = 0.1
WARM_MS, MEASURE_MS, QUICK_MS = 700, 2_500, 800


@dataclass
class Cell:
    """What is published and to how many."""

    name: str
    lane: str
    connections: int
    burst: int
    turns_per_s: int
    body: int = BODY
    floor: bool = True


CELLS = (
    Cell("datagrams", "unreliable", 200, 1, 250),
    Cell("datagrams of 4", "unreliable", 200, 4, 250),
    Cell("datagrams of 16", "unreliable", 50, 16, 250),
    Cell("streams", "reliable", 500, 1, 200),
    Cell("streams as datagrams", "unreliable", 500, 1, 200, floor=False),
    Cell("4 KB", "reliable", 400, 1, 60, LARGE),
    # More than is asked for: whether the core gets there.
    Cell("sustained", "reliable", 500, 1, 415, floor=False),
    Cell("sustained of 4", "reliable", 500, 4, 285, floor=False),
)


class Quic:
    name = "quic"

    def __init__(self, bench):
        self.bench = bench
        self.measure_ms = QUICK_MS if bench.options.quick else MEASURE_MS
        self.server = bench.server("quic", quic=True)

    def alternation(self, figures):
        for cell in CELLS:
            self.fanout(figures, cell)
        self.memory(figures)
        self.handshakes(figures)
        self.beside(figures)

    def fanout(self, figures, cell):
        ours = self.drain(
            self.server, "--lane", cell.lane, "--connections", cell.connections, "--burst", cell.burst,
            "--rate", cell.turns_per_s, "--body", cell.body,
        )
        record(figures, cell, cell.name, ours)
        if not cell.floor:
            return
        carry = "streams" if cell.lane == "reliable" else "datagrams"
        with Floor(
            self.bench, "--connections", cell.connections, "--carry", carry, "--burst", cell.burst, "--rate", cell.turns_per_s,
            "--bytes", round(ours["frame_bytes"]),
        ) as floor:
            record(figures, cell, f"{cell.name} floor", self.drain(floor, "--floor", "--connections", cell.connections))

    def memory(self, figures):
        server = self.bench.server("quic-idle", quic=True)
        figures.record("idle", self.idle(server))
        server.stop()
        with Floor(self.bench) as floor:
            figures.record("idle floor", self.idle(floor, "--floor"))

    def idle(self, server, *arguments):
        """KiB of a session that does nothing."""
        # The first few pay for what is made once: runtime, tables, certificates.
        self.drain(server, "--connections", 20, "--warm-ms", 0, "--measure-ms", 100, *arguments)
        held = self.drain(server, "--connections", SESSIONS, "--warm-ms", 2_500, "--measure-ms", 500, *arguments)
        return held["server_bytes_per_session"] / 1024

    def handshakes(self, figures):
        before = self.server.metric("ringway_quic_handshakes_total")
        ours = self.storm(self.server)
        counted = self.server.metric("ringway_quic_handshakes_total") - before
        if counted < ours["handshakes"]:
            print(f"handshakes: the server counts {counted:,.0f} of {ours['handshakes']:,}", flush=True)
        with Floor(self.bench) as floor:
            for name, storm in (("handshakes", ours), ("handshakes floor", self.storm(floor))):
                figures.record(name, 1e6 / storm["server_us_per_handshake"])
                figures.record(f"{name} wall", storm["handshakes_per_s"])
                figures.record(f"{name} core", storm["server_core"])

    def beside(self, figures):
        """The others' latency without and with handshakes beside it."""
        load = ("--lane", "reliable", "--connections", 100, "--rate", 250, "--every-us", 0, "--check-every", 1)
        figures.record("p99 alone", self.drain(self.server, *load)["p99_us"])
        before, began = self.server.metric("ringway_quic_handshakes_total"), time.monotonic()
        # It shares a core with those whose latency is looked at, and so stands behind them.
        command = ["nice", "-n", "10", *self.command("quic-storm", self.server), "--concurrency", CONCURRENT, "--rate", STORM_PER_S]
        storm = self.bench.start(self.bench.options.client_core, [*map(str, command), "--measure-ms", "60000"], "storm.log")
        try:
            figures.record("p99 beside", self.drain(self.server, *load)["p99_us"])
            counted = self.server.metric("ringway_quic_handshakes_total") - before
            figures.record("storm", counted / (time.monotonic() - began))
        finally:
            stop(storm)

    def drain(self, server, *arguments):
        timed = ("--warm-ms", WARM_MS, "--measure-ms", self.measure_ms)
        return self.client("quic-drain", server, *(() if "--warm-ms" in arguments else timed), *arguments)

    def storm(self, server):
        return self.client("quic-storm", server, "--concurrency", CONCURRENT, "--measure-ms", self.measure_ms)

    def client(self, what, server, *arguments):
        """Runs a client on its core; what it reports."""
        command = ["taskset", "-c", str(self.bench.options.client_core), *self.command(what, server), *map(str, arguments)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)

    def command(self, what, server):
        return [self.bench.options.bench, what, "--connect", f"127.0.0.1:{server.port}", "--server-pid", str(server.pid)]

    def rows(self, figures):
        get = figures.get

        def against_floor(what, name, reach, limit):
            ratio = figures.ratio(name, f"{name} floor")
            floor = "`quinn`: " + show(get(f"{name} floor"), "ns")
            return Row(what, show(get(name), "ns"), floor, show(ratio), reach, ratio, limit)

        yield against_floor(f"QUIC, unreliable, {BODY} B to 200, one at a time", "datagrams", "≤ 1.05", 1.05)
        yield against_floor("same, 4 a turn", "datagrams of 4", "≤ 0.9", 0.9)
        yield against_floor("same to 50, 16 a turn", "datagrams of 16", "≤ 0.9", 0.9)
        for what, name, reach, limit in (
            (f"QUIC, reliable, {BODY} B to 500: deliveries/s of one core", "sustained", "≥ 200k", 2e5),
            ("same, 4 a turn", "sustained of 4", "≥ 550k", 5.5e5),
        ):
            beside = f"core used: {show(get(f'{name} core'))}, packets for one: {show(get(f'{name} packets'))}"
            rate = get(f"{name} rate")
            yield Row(what, show(rate, "/s"), beside, "–", reach, rate, limit, at_least=True)
        ratio = figures.ratio("streams", "streams as datagrams")
        beside = f"as datagrams: {show(get('streams as datagrams'), 'ns')}; `quinn`, streams: {show(get('streams floor'), 'ns')}"
        yield Row(f"QUIC, reliable, {BODY} B to 500", show(get("streams"), "ns"), beside, show(ratio), "≤ 1.15", ratio, 1.15)
        large, ratio = [ns / 1_000 for ns in get("4 KB")], figures.ratio("4 KB", "4 KB floor")
        beside = "`quinn`: " + show([ns / 1_000 for ns in get("4 KB floor")], "µs")
        yield Row("QUIC, reliable, 4 KB at 60 Hz to 400", show(large, "µs"), beside, show(ratio), "≤ 14 µs", large, 14)
        ratio = figures.ratio("idle", "idle floor")
        beside = "`quinn`: " + show(get("idle floor"), "KiB")
        yield Row(f"idle QUIC session in one room, {SESSIONS:,} of them", show(get("idle"), "KiB"), beside, show(ratio), "≤ 32 KiB", get("idle"), 32)
        ratio = figures.ratio("handshakes", "handshakes floor")
        beside = f"`quinn`: {show(get('handshakes floor'), '/s')}; core used: {show(get('handshakes core'))}"
        rate = get("handshakes")
        yield Row("full QUIC handshakes by second of CPU", show(rate, "/s"), beside, show(ratio), "≥ 3,500", rate, 3_500, at_least=True)
        ratio = figures.ratio("p99 beside", "p99 alone")
        yield Row(
            f"p99 of others beside QUIC handshakes ({show(get('storm'), '/s')})", show(get("p99 beside"), "µs"),
            "without: " + show(get("p99 alone"), "µs"), show(ratio), "≤ 2", ratio, 2,
        )


def record(figures, cell, name, report):
    """One sample; says so if it is not of what its row says."""
    figures.record(name, report["server_ns_per_frame"])
    figures.record(f"{name} rate", report["frames_per_s"])
    figures.record(f"{name} core", report["server_core"])
    figures.record(f"{name} client core", report["client_core"])
    figures.record(f"{name} packets", report["udp_datagrams_per_frame"])
    wanted = cell.connections * cell.burst * cell.turns_per_s
    if abs(report["frames_per_s"] / wanted - 1) > OFF:
        print(f"{name}: {report['frames_per_s']:,.0f} deliveries/s instead of {wanted:,}", flush=True)
    if cell.burst == 1 and report["udp_datagrams_per_frame"] < 1 - OFF:
        print(f"{name}: {1 / report['udp_datagrams_per_frame']:.2f} deliveries in a packet instead of 1", flush=True)


class Floor:
    """A running `quic-floor`; without arguments it only takes connections."""

    def __init__(self, bench, *arguments):
        self.port = free_port()
        command = [bench.options.bench, "quic-floor", "--listen", f"127.0.0.1:{self.port}", *map(str, arguments)]
        self.process = bench.start(bench.options.server_core, command, "quic-floor.log")
        self.pid = self.process.pid
        self.log = f"{bench.scratch}/quic-floor.log"

    def __enter__(self):
        wait_for(self.is_ready, 10, "quic-floor being ready")
        return self

    def __exit__(self, *_):
        stop(self.process)

    def is_ready(self):
        with open(self.log) as file:
            return file.readline().strip() == "ready"
