"""What the load generator runs when a round begins: tells the tests, waits until they have done their harm, and ends as that ended.

    RINGWAY_ROUND=1 python3 disturb.py SOCKET
"""

import os
import socket
import sys

with socket.socket(socket.AF_UNIX) as tests:
    tests.connect(sys.argv[1])
    tests.sendall(os.environ["RINGWAY_ROUND"].encode() + b"\n")
    with tests.makefile() as answers:
        said = answers.readline().strip()
sys.exit(0 if said == "done" else said or "the tests did not answer")
