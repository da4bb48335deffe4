"""What crosses links: one copy for each interested node, and how many publications a second."""

from ..side_by_side.figures import Row, show
from .field import cpu_ns, metric

BODY, BURST = 200, 64
PUBLISHERS = 3
# Publications a second that are asked for, each more than the one before, until one is too much: publications come as gaps, or not in time.
ASKED_K = (25, 50, 75, 100, 150, 200, 300, 400)
IN_TIME = 0.95
# Counting is exact, whatever the rate.
COUNTED_RATE, COUNTED_S = 400, (1, 3)
OF_A_CORE = 300_000


class Links:
    name = "links"

    def __init__(self, field):
        self.field = field
        self.seconds = 1 if field.quick else 4

    def alternation(self, figures):
        field = self.field
        # Each list of doors begins with the owner's, where the publisher is, too; two subscribers at each door. Rooms of their own: interest lingers.
        for name, doors, number in (("two", (field.owner, field.other, field.third), 1), ("one", (field.owner, field.other), 2)):
            for what, copies in self.copies(doors, field.rooms(1, number)).items():
                figures.record(f"{name} {what}", copies)
        for what, value in self.best().items():
            figures.record(what, value)

    def copies(self, doors, rooms):
        """Frames for one publication: out of the owner, into each other node. From two runs of different lengths, so that joining does not count."""
        owner, other, third = self.field.cluster.nodes
        counted, whole = [], self.field.lost_links()
        for seconds in COUNTED_S:
            before = self.counts(rooms)
            load = ("--subscribers", 2 * len(doors), "--publishers", 1, "--rate", COUNTED_RATE, "--body", BODY, "--duration", f"{seconds}s")
            self.field.load("fanout", doors, rooms, *load)
            counted.append([after - was for after, was in zip(self.counts(rooms), before)])
        if self.field.lost_links() != whole:
            raise RuntimeError("a link was lost while frames were counted")
        publications, *frames = (long - short for short, long in zip(*counted))
        return dict(zip(("out", "into other", "into third"), (count / publications for count in frames)))

    def counts(self, rooms):
        owner, other, third = self.field.cluster.nodes
        return (
            metric(owner, "ringway_namespace_publications_total", namespace=rooms), metric(owner, "ringway_link_frames_total", direction="out"),
            metric(other, "ringway_link_frames_total", direction="in"), metric(third, "ringway_link_frames_total", direction="in"),
        )

    def best(self):
        """The run with most publications that all came in time, and that cost nobody a gap."""
        runs, fault = [], None
        for asked_k in ASKED_K[:2] if self.field.quick else ASKED_K:
            try:
                runs.append(self.run(asked_k * 1_000))
            except RuntimeError as why:
                fault = why
                break
        if not runs:
            raise fault
        return max(runs, key=lambda run: run["rate"])

    def run(self, rate):
        """All publishers on the owner, one subscriber on the other node."""
        field, rooms = self.field, self.field.rooms(1)
        load = ("--subscribers", 1, "--publishers", PUBLISHERS, "--rate", rate / PUBLISHERS, "--burst", BURST, "--body", BODY, "--no-ack", "--settle", "20s")
        before = self.counts(rooms)[0], cpu_ns(field.owner), cpu_ns(field.other)
        summary = field.load("fanout", (field.other, *[field.owner] * PUBLISHERS), rooms, *load, "--duration", f"{self.seconds}s")
        after = self.counts(rooms)[0], cpu_ns(field.owner), cpu_ns(field.other)
        came = summary["deliveries_per_s"]
        if summary["told_gaps"] or summary["unsent"] or came < IN_TIME * rate:
            raise RuntimeError(f"of {rate:,} /s {came:,.0f} /s came in time, {summary['told_gaps']:,} were told as gaps, {summary['unsent']:,} were not sent")
        publications, sender, receiver = (now - was for now, was in zip(after, before))
        return {"rate": came, "sender ns": sender / publications, "receiver ns": receiver / publications}

    @staticmethod
    def rows(figures):
        get = figures.get
        for name, what, nodes in (("two", "two other nodes with two subscribers each", 2), ("one", "one of two other nodes has subscribers", 1)):
            into = f"into the one: {show(get(f'{name} into other'))}, into the other: {show(get(f'{name} into third'))}"
            # Exactly so many, within what acknowledging and windows may add.
            off = [abs(copies - nodes) for copies in get(f"{name} out")]
            row = Row(f"frames over links for a publication: {what}", show(get(f"{name} out")), into, "–", f"{nodes}", off, 0.01)
            yield row
        of_a_core = [1e9 / ns for ns in get("sender ns")]
        beside = f"reached with all on two cores: {show(get('rate'), '/s')}"
        each = f"CPU for one: sender {show(get('sender ns'), 'ns')}, receiver {show(get('receiver ns'), 'ns')}"
        what = f"publications/s over one link, {BODY} B, {BURST} at once: what the sending node's CPU comes to on one core"
        yield Row(what, show(of_a_core, "/s"), f"{beside}; {each}", "–", f"≥ {OF_A_CORE:,}", of_a_core, OF_A_CORE, at_least=True)
