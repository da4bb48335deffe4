"""A node's process stands still for longer than its lease."""

import signal
import time

from .cluster import UNLIMITED
from .process import until
from .promise import STALL_MAX_MS, Promise, owned

PAUSE_S = 3
# Longer than a lease; nobody is there to take over.
DOZE_S = 1.6
OVERSLEPT = "stopped beyond the end of the lease in the middle of a turn"


class Pause(Promise):
    def test_a_node_stands_still(self):
        """pause longer than the lease"""
        paused = self.cluster.nodes[0]

        def pause(_round):
            paused.send(signal.SIGSTOP)
            time.sleep(PAUSE_S)
            entries = self.cluster.nodes[1].look("map")
            paused.send(signal.SIGCONT)
            self.assertNotIn(paused.name, owned(entries), "its lease is over, and nobody has taken its slots")
            until("it is a node again", paused.is_ready)

        figures = self.under_load(12, pause, 12)
        self.went_on(figures)
        self.assertLess(figures["stall_max_ms"], STALL_MAX_MS)
        self.says(figures, f"paused for {PAUSE_S} s")


class Doze(Promise):
    nodes = 1
    # Work is not limited: a shard that refuses has less to do.
    settings = UNLIMITED

    def is_balanced(self):
        return all(entry["owner"] for entry in self.cluster.map())

    def test_a_node_stands_still_in_the_middle_of_a_turn(self):
        """pause longer than the lease, in the middle of a turn"""
        (node,) = self.cluster.nodes
        pauses = 0

        def pause(_round):
            nonlocal pauses
            if node.said(OVERSLEPT):
                return
            pauses += 1
            node.send(signal.SIGSTOP)
            time.sleep(DOZE_S)
            node.send(signal.SIGCONT)
            until("it is a node again", node.is_ready)

        # Under all the load that two clients make the shard is nearly always in a turn; one that is hit is enough.
        with self.load("memory", 24, "--in-flight", "256", clients=2, rooms=2, rate=0).disturbed(pause, 4) as load:
            figures = load.figures()
        self.assertTrue(node.said(OVERSLEPT), f"none of {pauses} pauses hit a turn")
        self.went_on(figures)
        self.says(figures, f"{pauses} pauses of {DOZE_S} s until one hit a turn")
