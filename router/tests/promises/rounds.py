"""The longer runs: the same event in many rounds under one load, and how long rooms stood still."""

import random

from .process import until
from .promise import Promise, in_words, owned

# A round has a failover and what must come before the next one: the node that was killed is back, and every slot has a standby with everything.
ROUND_S = 20


class Rounds(Promise):
    """`times` is set by whoever makes one of these; the random choices are the same in each run."""

    times = 1

    def test_failovers(self):
        """failovers"""
        chance = random.Random(1)

        def crash(_round):
            before = self.at_rest()
            # Not those that own nothing yet, since they were killed a moment ago.
            victim = self.cluster.node(chance.choice(sorted(owned(before))))
            victim.kill()
            until("others have its slots", lambda: (entries := self.cluster.map()) and victim.name not in owned(entries))
            victim.start()
            until("it is a node again", victim.is_ready)

        self.tell(self.under_load(self.times * ROUND_S, crash, ROUND_S))

    def test_restarts(self):
        """restarts"""

        def restart(number):
            node = self.cluster.nodes[number % self.nodes]
            self.assertEqual(node.drain(), 0, node.last_lines())
            node.start()
            until("it is a node again", node.is_ready)

        self.tell(self.under_load(self.times * ROUND_S, restart, ROUND_S))

    def tell(self, figures):
        self.went_on(figures)
        self.seen = [in_words(figures), f"{figures['rounds']} rounds, stall p50 {figures['stall_p50_ms']:.0f} ms, max {figures['stall_max_ms']:.0f} ms"]
