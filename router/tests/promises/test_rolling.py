"""Each node is drained and started again, one after the other."""

import time

from .process import until
from .promise import Promise


class Rolling(Promise):
    def test_all_nodes_are_restarted(self):
        """rolling restart"""
        took = []

        def restart(_round):
            for node in self.cluster.nodes:
                began = time.monotonic()
                # One by the command, the others as a service manager does it.
                code = node.drain() if node.number == 1 else node.terminate()
                took.append(time.monotonic() - began)
                self.assertEqual(code, 0, node.last_lines())
                node.start()
                until("it is a node again", node.is_ready)

        figures = self.under_load(45, restart, 45)
        self.went_on(figures)
        self.assertEqual(figures["disconnects"], figures["resumed"], "somebody could not resume")
        self.says(figures, "drained in " + ", ".join(f"{seconds:.1f}" for seconds in took) + " s")
