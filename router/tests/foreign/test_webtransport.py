"""aioquic as a WebTransport client: what `webtransport.py` sees of a node of its own."""

import subprocess
import sys
import unittest
from pathlib import Path

from node import Node


class WebTransport(unittest.TestCase):
    def test_a_session_on_every_way(self):
        node = Node()
        try:
            script = Path(__file__).with_name("webtransport.py")
            arguments = [sys.executable, script, "127.0.0.1", str(node.port)]
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("another path and another origin were refused", done.stdout)
        finally:
            node.stop()
