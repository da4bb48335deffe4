"""A publication to a subscriber on another node, beside a raw QUIC round trip over the same network."""

from ..side_by_side.figures import Row, show

BODY, RATE = 200, 200


class Latency:
    name = "latency"

    def __init__(self, field):
        self.field = field
        self.seconds = 1 if field.quick else 5

    def alternation(self, figures):
        field, rooms = self.field, self.field.rooms(1)
        load = ("--subscribers", 1, "--publishers", 1, "--rate", RATE, "--body", BODY, "--no-ack", "--duration", f"{self.seconds}s")
        # The subscriber is the first client, the publisher the second.
        for name, doors in (("crossing", (field.other, field.owner)), ("local", (field.owner, field.owner))):
            summary = field.load("fanout", doors, rooms, *load)
            for quantile in ("p50_us", "p99_us"):
                figures.record(f"{name} {quantile}", summary[quantile])
        for name, rate in (("raw", RATE), ("raw without a pause", 0)):
            for quantile, value in field.round_trip(rate, self.seconds).items():
                figures.record(f"{name} {quantile}", value)

    @staticmethod
    def rows(figures):
        get = figures.get
        for quantile, reach, limit in (("p50", "≤ 2.5", 2.5), ("p99", "–", None)):
            ratio = figures.ratio(f"crossing {quantile}_us", f"raw {quantile}_us")
            beside = f"raw QUIC round trip: {show(get(f'raw {quantile}_us'), 'µs')}"
            if quantile == "p50":
                beside += f"; without a pause between them: {show(get('raw without a pause p50_us'), 'µs')}; subscriber on the owner: {show(get('local p50_us'), 'µs')}"
            what = f"publication to a subscriber on another node, {BODY} B, {RATE} /s, {quantile}"
            yield Row(what, show(get(f"crossing {quantile}_us"), "µs"), beside, show(ratio), reach, ratio, limit)
