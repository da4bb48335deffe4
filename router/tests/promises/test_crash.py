"""A node is killed."""

import time

from .process import until
from .promise import STALL_MAX_MS, Promise, owned


class Crash(Promise):
    def test_a_node_crashes(self):
        """node crash"""
        victim = self.cluster.nodes[0]
        before = self.cluster.map()

        def crash(_round):
            victim.kill()
            until("others have its slots", lambda: self.cluster.map() and victim.name not in owned(self.cluster.map()))
            # Time for the load to go on without it.
            time.sleep(3)
            victim.start()
            until("it is a node again", victim.is_ready)

        # Both kinds of rooms lose the same node.
        with self.load("memory", 15, "--anew-allowed") as memory:
            figures = self.under_load(12, crash, 12)
            of_memory = memory.figures()
        self.went_on(figures)
        self.assertGreater(figures["disconnects"], 0, "nobody was connected to the victim")
        self.assertLess(figures["stall_max_ms"], STALL_MAX_MS)
        self.assertGreater(of_memory["resets"], 0, "nobody was told that rooms without a standby began anew")
        after = self.cluster.map()
        for old, new in zip(before, after):
            if old["owner"] == victim.name:
                self.assertGreater(new["term"], old["term"], new)
        self.says(figures, f"rooms without standby: {of_memory['acked']} acked, {of_memory['acked_lost']} lost but with a told reset, {of_memory['resets']} resets told")
