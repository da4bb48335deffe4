"""The network falls apart; nobody ends."""

import time

from .network import ETCD
from .process import until
from .promise import STALL_MAX_MS, Promise, owned


class Partition(Promise):
    def test_a_node_is_alone(self):
        """minority partition"""
        alone, *others = self.cluster.nodes
        seen = {}

        def cut(_round):
            began = time.monotonic()
            self.network.cut([alone.address], [node.address for node in others] + list(ETCD))

            def taken_over():
                entries = others[0].look("map") or others[1].look("map")
                gone = entries and alone.name not in owned(entries)
                status, why = alone.readiness()
                if status != 200 and "stopped" not in seen:
                    seen["stopped"], seen["why"] = time.monotonic() - began, why
                # The map was asked first: if it knows of new owners, the old one has stopped before.
                if any(e["owner"] != alone.name and e["term"] != old["term"] for e, old in zip(entries or [], before)):
                    self.assertEqual(status, 503, "it says that it is ready while others have its slots")
                return gone

            until("others have its slots", taken_over)
            seen["taken"] = time.monotonic() - began
            time.sleep(3)
            self.assertEqual(alone.readiness()[0], 503)
            self.network.heal()
            until("it is a node again", alone.is_ready)

        before = self.cluster.map()
        figures = self.under_load(15, cut, 15)
        self.went_on(figures)
        self.assertGreater(figures["repeated"], 0, "nobody's publications were refused or lost on the way")
        self.assertLess(figures["stall_max_ms"], STALL_MAX_MS)
        self.says(figures, f"not ready after {seen['stopped']:.1f} s, taken over after {seen['taken']:.1f} s")

    def test_two_nodes_are_cut_from_each_other(self):
        """two nodes cut from each other, both see the coordinator"""
        one, other, _ = self.cluster.nodes
        before = self.settled()

        def cut(_round):
            self.network.cut([one.address], [other.address])
            for _ in range(6):
                time.sleep(1)
                self.stayed(before, one.look("map"))
                self.assertTrue(one.is_ready() and other.is_ready())
            self.network.heal()

        figures = self.under_load(12, cut, 12)
        self.went_on(figures)
        self.stayed(before, self.settled())
        self.says(figures, "no slot changed its owner")
