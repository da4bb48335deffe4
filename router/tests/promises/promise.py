"""What the tests share: a fresh cluster for each, the load over it, and the line that says what was seen."""

import collections
import os
import time
import unittest

from .cluster import Cluster
from .etcd import Etcd
from .load import Load
from .process import until
from .pulse import Pulse

# All slots of a cluster.
SLOTS = 4_096
# How long a room may stand still where a lease must run out first (1.3 s) and others take over. Design: 2 s; here only a machine that does nothing
# else could promise that.
STALL_MAX_MS = 5_000
# How often a promise is tried at most, on a host that stands still.
TRIALS = 3
# What a map must stay for, to be at rest.
REST_S = 0.5

# Where the tests run; `__main__` fills it in before the first one.
Place = collections.namedtuple("Place", "binaries directory network")
place = None


class Promise(unittest.TestCase):
    """A test method is one promise; the first line of its docstring names it, `says` adds what was seen."""

    nodes = 3
    # `--set` of each node.
    settings = ()

    def run(self, result=None):
        """Once, and again where the host stood still meanwhile: then all leases may run out at once, which nobody promises to survive."""
        for self.trial in range(1, TRIALS + 1):
            seen = unittest.TestResult()
            self.began = time.monotonic()
            with Pulse() as pulse:
                super().run(seen)
            if seen.wasSuccessful() or not pulse.is_starved() or self.trial == TRIALS:
                break
            print(f"again   {self.shortDescription()}: {pulse}", flush=True)
        result.take(self, seen)
        return result

    def setUp(self):
        self.seen, self.processes = [], ()
        self.directory = os.path.join(place.directory, f"{self.id().rpartition('.test_')[2]}-{self.trial}")
        os.mkdir(self.directory)
        self.network = place.network
        self.etcd = Etcd(self.directory)
        self.cluster = Cluster(place.binaries, self.directory, self.nodes)
        for node in self.cluster.nodes:
            node.set(*self.settings)
        self.processes = (*self.cluster.nodes, *self.etcd.members)
        self.addCleanup(self.end)
        self.etcd.start()
        self.cluster.start()
        # On a busy host one may come late, and gets its share only when it has been up for a while.
        until("all nodes have their share", self.is_balanced)

    def end(self):
        self.network.heal()
        for process in self.processes:
            process.kill()

    def load(self, rooms_of, duration_s, *more, nodes=None, **scale):
        return Load(place.binaries, self.directory, nodes or self.cluster.nodes, rooms_of, duration_s, *more, **scale)

    def under_load(self, duration_s, event, every_s, rooms_of="chat"):
        """The figures of one load over all nodes, with the event at the start of each round."""
        with self.load(rooms_of, duration_s).disturbed(event, every_s) as load:
            figures = load.figures()
        self.assertEqual(figures["rounds"], duration_s // every_s)
        return figures

    def settled(self):
        """Waits until all running nodes are ready, every slot has an owner and a standby with everything, and none is to move; the map."""
        until("all nodes are ready", lambda: all(node.is_ready() for node in self.cluster.nodes if node.is_running()))

        def whole():
            entries = self.cluster.map()
            return len(entries) == SLOTS and all(e["owner"] and e["in_sync"] and not e["next"] for e in entries) and entries

        # A map is 4,096 entries: asked for more often, that would be load.
        return until("each slot has an owner and a standby that has everything", whole, patience_s=150, every_s=1)

    def is_balanced(self):
        shares = owned(self.at_rest())
        return min(shares[node.name] for node in self.cluster.nodes) > SLOTS / self.nodes * 0.9

    def at_rest(self):
        """Waits until no slot moves; the map."""

        def rest():
            before = self.settled()
            time.sleep(REST_S)
            after = self.settled()
            return ownership(before) == ownership(after) and after

        return until("no slot moves", rest)

    def stayed(self, before, after):
        """No slot has another owner or term than before. (`assertEqual` would take minutes to write the difference down.)"""
        changed = [f"slot {slot}: {old} → {new}" for slot, (old, new) in enumerate(zip(ownership(before), ownership(after))) if old != new]
        self.assertEqual(len(changed), 0, f"{len(changed)} of {len(after)} slots changed, like {changed[:3]}")

    def went_on(self, figures):
        """No room began anew, nobody was told of a gap."""
        self.assertEqual((figures["resets"], figures["told_gaps"]), (0, 0))

    def says(self, figures, *more):
        """The line of this promise."""
        self.seen = [in_words(figures), *more]

    def count_in_logs(self, text):
        """How often the nodes have written it."""
        return sum(node.said(text) for node in self.cluster.nodes)


def in_words(figures):
    """What the load generator's verification came to."""
    kept = f"{figures['acked']} acked, {figures['acked_lost']} lost, {figures['duplicated']} doubled, {figures['reordered']} reordered, {figures['resets']} resets"
    return f"{kept}; {figures['repeated']} repeated, longest stall {figures['stall_max_ms']:.0f} ms"


def owned(entries):
    """How many slots each node owns, by name."""
    return collections.Counter(entry["owner"] for entry in entries)


def ownership(entries):
    """What must stay where nobody loses anything: owner and term of each slot."""
    return [(entry["owner"], entry["term"]) for entry in entries]
