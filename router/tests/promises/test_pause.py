"""A node's process stands still for longer than its lease."""

import signal
import time

from .process import until
from .promise import STALL_MAX_MS, Promise, owned

PAUSE_S = 3


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
