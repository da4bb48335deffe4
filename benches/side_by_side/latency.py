"""Latency from the intended send time to the subscriber, client and server on one core each."""

from .figures import Row, show

LATENCIES = ("p50_us", "p99_us", "p999_us")


class Latency:
    name = "latency"

    def __init__(self, bench):
        self.bench = bench
        self.plain = bench.server("latency")
        self.spinning = bench.server("latency-spinning", "--set", "node.spin=10ms")

    def alternation(self, figures):
        fanout = ("fanout", self.plain, "--rooms", 1, "--publishers", 1, "--body", 64, "--no-ack")
        self.record(figures, "250", *fanout, "--subscribers", 1_000, "--rate", 250, "--duration", "5s", "--spin")
        self.record(figures, "coalesced", *fanout, "--subscribers", 1_000, "--rate", 2_000, "--burst", 16, "--duration", "5s", "--spin")
        pair = ("--rooms", 1, "--publishers", 1, "--subscribers", 1, "--body", 64, "--no-ack", "--duration", "4s")
        self.record(figures, "parked", "fanout", self.plain, *pair, "--rate", 200)
        self.record(figures, "spinning", "fanout", self.spinning, *pair, "--rate", 200, "--spin")

    def record(self, figures, name, *load):
        summary = self.bench.load(*load)
        for latency in LATENCIES:
            figures.record(f"{name} {latency}", summary[latency])
        figures.record(f"{name} rate", summary["deliveries_per_s"])

    def rows(self, figures):
        def row(what, name, latency, limit_us, reach):
            samples = figures.get(f"{name} {latency}")
            return Row(what, show(samples, "µs"), "–", "–", reach, samples, limit_us)

        for latency, limit_us, reach in (("p50_us", 1_300, "p50 < 1.3 ms"), ("p99_us", 3_000, "p99 < 3 ms"), ("p999_us", 6_000, "p99.9 < 6 ms")):
            yield row("latency, 250 publications/s × 1,000", "250", latency, limit_us, reach)
        for latency, limit_us, reach in (("p50_us", 3_000, "p50 < 3 ms"), ("p99_us", 8_000, "p99 < 8 ms")):
            yield row("latency, 2 M deliveries/s, 16 a turn", "coalesced", latency, limit_us, reach)
        yield row("2 sessions in a room, both sides spin", "spinning", "p50_us", 40, "p50 < 40 µs")
        yield row("2 sessions in a room, both sides park", "parked", "p50_us", 100, "p50 < 100 µs")
