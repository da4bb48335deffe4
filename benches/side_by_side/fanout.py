"""Fan-out in CPU per delivery, against plain `send` of the same bytes to as many sockets; formats, sizes and TLS against binary in the clear."""

from .figures import Row, show

BODY = 64
SUBSCRIBERS = 1_000
SIZES = (100, 1_000, 10_000)
# Publications a second: so few that the one client core has emptied all sockets before the next, or several would share a write.
RATE = {100: 100, 1_000: 50, 10_000: 5}
RATE_OF_16 = 800
# Deliveries in one write may be off by so much, or the row measures something else than it says.
OFF = 0.1


def fanout(bench, server, *, subscribers=SUBSCRIBERS, rate, burst=1, form="binary", seconds=4, tls=False):
    """One measured fan-out; microseconds of the server's CPU per delivery, and the whole summary."""
    return bench.load(
        "fanout", server, "--rooms", 1, "--subscribers", subscribers, "--publishers", 1, "--rate", rate, "--burst", burst,
        "--body", BODY, "--format", form, "--no-ack", "--drain-every", "5ms", "--duration", f"{seconds}s", tls=tls,
    )


class Fanout:
    name = "fanout"

    def __init__(self, bench):
        self.bench = bench
        self.servers = {flush: bench.server(f"fanout-{flush}", "--set", f"node.flush={flush}") for flush in ("send", "ring")}
        self.bytes = None

    def alternation(self, figures):
        bench = self.bench
        if self.bytes is None:
            self.bytes = self.frame_bytes()
        for count in SIZES:
            one, sixteen = bench.floor(self.bytes, count, RATE[count], min(RATE[count], RATE_OF_16 // 16))
            figures.record(f"floor {count}", one)
            figures.record(f"floor {count} of 16", sixteen)
            for flush, server in self.servers.items():
                self.record(figures, f"{flush} {count}", server, subscribers=count, rate=RATE[count])
        for flush, server in self.servers.items():
            self.record(figures, f"{flush} of 16", server, rate=RATE_OF_16, burst=16)
        for form in ("json", "mixed"):
            self.record(figures, form, self.servers["send"], rate=RATE[SUBSCRIBERS], form=form)
            self.record(figures, f"{form} of 16", self.servers["send"], rate=RATE_OF_16, burst=16, form=form)
        self.record(figures, "tls", self.servers["send"], rate=RATE[SUBSCRIBERS], tls=True)
        self.record(figures, "tls of 16", self.servers["send"], rate=RATE_OF_16, burst=16, tls=True)

    def record(self, figures, name, server, **load):
        before = self.counts(server)
        summary = fanout(self.bench, server, **load)
        deliveries, writes = (after - before for after, before in zip(self.counts(server), before))
        # Connecting, joining and leaving are a few writes of one frame each for every session.
        writes -= 3 * load.get("subscribers", SUBSCRIBERS)
        burst = load.get("burst", 1)
        if abs(deliveries / writes / burst - 1) > OFF:
            print(f"{name}: {deliveries / writes:.2f} deliveries in a write instead of {burst}", flush=True)
        figures.record(name, summary["server_cpu_us_per_delivery"] * 1_000)
        figures.record(f"{name} in a write", deliveries / writes)
        figures.record(f"{name} rate", summary["deliveries_per_s"])

    @staticmethod
    def counts(server):
        return server.metric("ringway_deliveries_total"), server.metric("ringway_writes_total")

    def frame_bytes(self):
        """What one delivery is on the wire, WebSocket header included: the server's own count, before anybody spoke JSON."""
        server = self.servers["send"]
        fanout(self.bench, server, rate=RATE[SUBSCRIBERS], seconds=2)
        return round(server.metric("ringway_delivered_bytes_total") / server.metric("ringway_deliveries_total"))

    def rows(self, figures):
        def row(what, name, against, label, reach, limit):
            ratio = figures.ratio(name, against)
            return Row(
                what, show(figures.get(name), "ns"), f"{label}: " + show(figures.get(against), "ns"), show(ratio), reach, ratio, limit
            )

        for flush in ("send", "ring"):
            yield row(f"fan-out to 1,000, one at a time, flush by {flush}", f"{flush} 1000", "floor 1000", "`send`", "≤ 1.15", 1.15)
        for flush in ("send", "ring"):
            yield row(f"same, 16 a turn, flush by {flush}", f"{flush} of 16", "floor 1000 of 16", "one `send` / 16", "≤ 2.0", 2.0)
        for form in ("json", "mixed"):
            yield row(f"{form}, one at a time", form, "send 1000", "binary", "≤ 1.15", 1.15)
            yield row(f"{form}, 16 a turn", f"{form} of 16", "send of 16", "binary", "≤ 1.15", 1.15)
        yield row("TLS, one at a time", "tls", "send 1000", "plain", "≤ 1.35", 1.35)
        yield row("TLS, 16 a turn", "tls of 16", "send of 16", "plain", "≤ 1.35", 1.35)
        grows = [a / b for a, b in zip(figures.get("send 10000"), figures.get("send 100"))]
        floor = [a / b for a, b in zip(figures.get("floor 10000"), figures.get("floor 100"))]
        ratio = [a / b for a, b in zip(grows, floor)]
        yield Row(
            "cost of a delivery, from 100 to 10,000 subscribers", f"grows × {show(grows)}", f"`send` grows × {show(floor)}",
            show(ratio), "≤ 1.0", ratio, 1.0,
        )
