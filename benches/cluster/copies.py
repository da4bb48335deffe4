"""What crosses links for one publication: one copy for each interested node, counted by the nodes' own metrics."""

from ..side_by_side.figures import Row, show
from .field import metric

BODY = 200
# Counting is exact, whatever the rate; two lengths, so that what joining costs goes out.
RATE, SECONDS = 400, (1, 3)
# What credit and a member that comes again may add.
OFF = 0.01


class Copies:
    name = "copies"

    def __init__(self, field):
        self.field = field

    def alternation(self, figures):
        field = self.field
        # Each list of doors begins with the owner's, where the publisher is, too; two subscribers at each door. Rooms of their own: interest lingers.
        for name, doors, number in (("two", (field.owner, field.other, field.third), 1), ("one", (field.owner, field.other), 2)):
            for what, copies in self.copies(doors, field.rooms(1, number)).items():
                figures.record(f"{name} {what}", copies)

    def copies(self, doors, rooms):
        """Frames for one publication: out of the owner, into each other node."""
        counted, whole = [], self.field.lost_links()
        for seconds in SECONDS:
            before = self.counts(rooms)
            load = ("--subscribers", 2 * len(doors), "--publishers", 1, "--rate", RATE, "--body", BODY, "--duration", f"{seconds}s")
            self.field.load("fanout", doors, rooms, *load)
            counted.append([after - was for after, was in zip(self.counts(rooms), before)])
        if self.field.lost_links() != whole:
            raise RuntimeError("a link was lost while frames were counted")
        return of_one(*counted)

    def counts(self, rooms):
        owner, *others = self.field.cluster.nodes
        frames = [metric(owner, "ringway_link_frames_total", direction="out"), *(metric(node, "ringway_link_frames_total", direction="in") for node in others)]
        return [metric(owner, "ringway_namespace_publications_total", namespace=rooms), *frames]

    @staticmethod
    def rows(figures):
        get = figures.get
        for name, what, nodes in (("two", "two other nodes with two subscribers each", 2), ("one", "one of two other nodes has subscribers", 1)):
            into = f"into the one: {show(get(f'{name} into other'))}, into the other: {show(get(f'{name} into third'))}"
            off = [abs(copies - nodes) for copies in get(f"{name} out")]
            yield Row(f"frames over links for a publication: {what}", show(get(f"{name} out")), into, "–", f"{nodes}", off, OFF)


def of_one(short, long):
    """What the longer run has more, for each of the publications that it has more."""
    publications, *frames = (more - less for less, more in zip(short, long))
    return dict(zip(("out", "into other", "into third"), (count / publications for count in frames)))
