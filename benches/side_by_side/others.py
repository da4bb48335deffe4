"""Rows of one figure each: handshakes beside traffic, a slow reader, the rate that one core sustains."""

import subprocess
import threading

from .fanout import fanout
from .figures import Row, show


class Handshakes:
    """1,000 TLS handshakes a second: what the others' latency becomes."""

    name = "handshakes"

    def __init__(self, bench):
        self.bench = bench
        self.server = bench.server("handshakes")

    def alternation(self, figures):
        load = ("fanout", self.server, "--rooms", 1, "--subscribers", 100, "--publishers", 1, "--rate", 250, "--body", 64, "--no-ack", "--duration", "5s")
        figures.record("alone", self.bench.load(*load, tls=True)["p99_us"])
        storm = Storm(self.bench, self.server)
        with storm:
            figures.record("beside handshakes", self.bench.load(*load, tls=True)["p99_us"])
        figures.record("handshakes a second", storm.per_second())

    def rows(self, figures):
        ratio = figures.ratio("beside handshakes", "alone")
        rate = show(figures.get("handshakes a second"), "/s")
        yield Row(
            f"p99 of others beside TLS handshakes ({rate})", show(figures.get("beside handshakes"), "µs"),
            "without: " + show(figures.get("alone"), "µs"), show(ratio), "≤ 2", ratio, 2,
        )


class Storm:
    """TLS connections that come and go at a set rate, until left."""

    def __init__(self, bench, server):
        self.bench, self.server = bench, server

    def __enter__(self):
        options = self.bench.options
        self.out = f"{self.bench.scratch}/storm.json"
        command = [options.load, "connect", "--url", self.server.url("/v1", tls=True), "--insecure", "--no-join", "--reset"]
        command += ["--connections", "1000", "--rounds", "1000000", "--connect-rate", "1000", "--hold", "0s", "--quiet"]
        self.before = self.server.metric("ringway_connections_accepted_total")
        self.clock = threading.Event()
        self.process = self.bench.start(options.client_core, command, "storm.log")
        self.clock.wait(1)
        return self

    def __exit__(self, *_):
        self.after = self.server.metric("ringway_connections_accepted_total")
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def per_second(self):
        # One second before the load, one of its warm-up, five measured.
        return (self.after - self.before) / 7


class SlowReader:
    """A reader at 256 kbit/s with a receive buffer of 4 KiB: how old what it sees is."""

    name = "slow-reader"

    def __init__(self, bench):
        self.bench = bench
        self.server = bench.server("slow-reader")

    def alternation(self, figures):
        summary = self.bench.load("slow-reader", self.server, "--lane", "latest", "--rate", 200, "--body", 500, "--duration", "10s")
        figures.record("age", summary["state_age_max_us"] / 1_000)

    def rows(self, figures):
        age = figures.get("age")
        yield Row("oldest state at a reader of 256 kbit/s", show(age, "ms"), "–", "–", "≤ 250 ms + RTT", age, 250)


class Throughput:
    """Deliveries a second of one core with 16 publications a turn."""

    name = "throughput"

    def __init__(self, bench):
        self.bench = bench
        self.server = bench.server("throughput")

    def alternation(self, figures):
        for rate in (3_200, 4_800):
            summary = fanout(self.bench, self.server, rate=rate, burst=16)
            figures.record(f"{rate}", summary["deliveries_per_s"])
            figures.record(f"{rate} cpu", summary["server_cpu"])

    def rows(self, figures):
        best = [max(pair) for pair in zip(figures.get("3200"), figures.get("4800"))]
        cpu = show(figures.get("4800 cpu"))
        yield Row("deliveries/s of one core, 1,000 subscribers, 16 a turn", show(best, "/s"), f"server's core used: {cpu}", "–", "≥ 3 M", best, 3e6, at_least=True)


class Hop:
    """From one shard to another, over the router's rings and doorbells."""

    name = "hop"

    def __init__(self, bench):
        self.bench = bench

    def alternation(self, figures):
        for row, p50 in self.bench.hop().items():
            figures.record(row, p50 / 1_000)

    def rows(self, figures):
        for name, limit_us in (("both spin", 3), ("both park", 100)):
            hops = figures.get(name)
            yield Row(f"hop between two shards, {name}, p50", show(hops, "µs"), "–", "–", f"< {limit_us} µs", hops, limit_us)
