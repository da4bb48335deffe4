"""What a standby costs: the same load in rooms with one replica and with two, published at their owner."""

from ..side_by_side.figures import Row, show
from .field import cpu_ns, metric

BODY, RATE = 200, 200
# Publications on their way at once where throughput is measured.
WINDOW = 1_024
# What replication may add to one round trip.
OVER_US = 100


class Replicas:
    name = "replicas"

    def __init__(self, field):
        self.field = field
        self.seconds = 1 if field.quick else 5

    def alternation(self, figures):
        # What is compared is measured one after the other: the host is not the same from one minute to the next.
        for measure in (self.paced, self.full):
            for replicas in (1, 2):
                measure(figures, replicas)
        figures.record("raw", self.field.round_trip(RATE, self.seconds)["p50_us"])

    def paced(self, figures, replicas):
        summary = self.load(replicas, "--rate", RATE)
        for quantile in ("p50_us", "p99_us"):
            figures.record(f"{replicas} {quantile}", summary[f"ack_{quantile}"])
        if replicas == 2:
            standby = self.field.entry(self.field.rooms(2))["standby"]
            figures.record("link", metric(self.field.owner, "ringway_link_rtt_seconds", node=standby) * 1e6)

    def full(self, figures, replicas):
        before = cpu_ns(self.field.owner)
        summary = self.load(replicas, "--rate", 0, "--in-flight", WINDOW)
        used = cpu_ns(self.field.owner) - before
        figures.record(f"{replicas} rate", summary["acked_per_s"])
        figures.record(f"{replicas} cpu", used / summary["acked"] / 1_000)

    def load(self, replicas, *arguments):
        where = (self.field.owner,), self.field.rooms(replicas)
        return self.field.load("failover", *where, "--clients", 1, "--body", BODY, "--duration", f"{self.seconds}s", *arguments)

    @staticmethod
    def rows(figures):
        get = figures.get
        added = [two - one for two, one in zip(get("2 p50_us"), get("1 p50_us"))]
        over = [more - trip for more, trip in zip(added, get("raw"))]
        beside = f"`replicas = 1`: {show(get('1 p50_us'), 'µs')}; raw QUIC round trip: {show(get('raw'), 'µs')}, the link's own estimate: {show(get('link'), 'µs')}"
        what = f"publish to its acknowledgement, `replicas = 2`, {BODY} B, {RATE} /s, p50"
        yield Row(what, show(get("2 p50_us"), "µs"), beside, f"adds {show(added, 'µs')}", f"adds ≤ a round trip + {OVER_US} µs", over, OVER_US)
        ratio = figures.ratio("2 p99_us", "1 p99_us")
        yield Row("the same, p99", show(get("2 p99_us"), "µs"), f"`replicas = 1`: {show(get('1 p99_us'), 'µs')}", show(ratio), "–", ratio, None)
        ratio = figures.ratio("2 rate", "1 rate")
        beside = f"`replicas = 1`: {show(get('1 rate'), '/s')}"
        what = f"acknowledged publications/s, `replicas = 2`, {WINDOW} in flight, all on two cores"
        yield Row(what, show(get("2 rate"), "/s"), beside, show(ratio), "≥ 0.6", ratio, 0.6, at_least=True)
        ratio = figures.ratio("2 cpu", "1 cpu")
        yield Row("the owner's CPU for each of them", show(get("2 cpu"), "µs"), f"`replicas = 1`: {show(get('1 cpu'), 'µs')}", show(ratio), "–", ratio, None)
