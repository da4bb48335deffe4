"""etcd loses its leader, or all of its members."""

import time

from .process import until
from .promise import Promise


class Coordinator(Promise):
    def test_the_coordinator_elects(self):
        """coordinator: an election"""
        before = self.settled()

        def elect(_round):
            leader = self.etcd.leader()
            self.etcd.members[leader].kill()
            until("another member leads", lambda: self.etcd.leader() not in (None, leader))
            time.sleep(1)
            self.etcd.members[leader].start()

        figures = self.under_load(10, elect, 5)
        self.went_on(figures)
        self.assertEqual(figures["disconnects"], 0)
        self.stayed(before, self.settled())
        ran_out = self.count_in_logs("its lease is over")
        self.says(figures, f"no slot changed its owner or its term; {ran_out} of {figures['rounds'] * self.nodes} leases ran out for a moment")

    def test_the_coordinator_is_gone(self):
        """coordinator: down for 5 s"""
        before = self.settled()

        def gone(_round):
            self.etcd.kill()
            time.sleep(5)
            for node in self.cluster.nodes:
                self.assertEqual(node.readiness()[0], 503, "it says that it is ready without a lease")
            for member in self.etcd.members:
                member.start()
            until("all are nodes again", lambda: all(node.is_ready() for node in self.cluster.nodes))

        figures = self.under_load(12, gone, 12)
        self.went_on(figures)
        self.assertGreater(figures["repeated"], 0, "nobody's publications were refused")
        self.stayed(before, self.settled())
        self.says(figures, "the same owners go on, under the same terms")
