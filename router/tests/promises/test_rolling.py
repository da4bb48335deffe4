"""Each node is drained and started again, one after the other."""

from .process import until
from .promise import Promise


class Rolling(Promise):
    def test_all_nodes_are_restarted(self):
        """rolling restart"""

        def restart(number):
            node = self.cluster.nodes[number - 1]
            # One by the command, the others as a service manager does it.
            code = node.drain() if number == 1 else node.terminate()
            self.assertEqual(code, 0, node.last_lines())
            node.start()
            until("it is a node again", node.is_ready)
            self.settled()

        figures = self.under_load(45, restart, 15)
        self.went_on(figures)
        self.says(figures, "3 nodes")
