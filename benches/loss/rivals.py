"""The watchers' side where flows compete: bulk TCP beside the watchers, and what came of each. Started by `ground`."""

import json
import socket
import subprocess
import sys
import threading
import time

from .beside import ADDRESS, BULK_PORT

# IP and TCP headers with timestamps.
HEADERS = 52


class Bulk(threading.Thread):
    """One TCP connection that takes whatever comes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bytes = 0

    def run(self) -> None:
        peer = socket.create_connection((ADDRESS, BULK_PORT), 10)
        peer.settimeout(None)
        while piece := peer.recv(1 << 18):
            self.bytes += len(piece)


def line_bytes() -> int:
    """What came down the line so far, headers included: this namespace has one device besides loopback."""
    with open("/proc/net/dev") as file:
        rows = [row.split(":") for row in file if ":" in row]
    return sum(int(counts.split()[0]) for name, counts in rows if name.strip() != "lo")


def tcp_segments() -> int:
    with open("/proc/net/snmp") as file:
        names, values = (row.split() for row in file if row.startswith("Tcp:"))
    return int(values[names.index("InSegs")])


def main() -> None:
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    flows = [Bulk() for _ in range(spec["rivals"])]
    for flow in flows:
        flow.start()
    watchers = subprocess.Popen(spec["watchers"]) if spec["watchers"] else None
    time.sleep(spec["warmup_s"])

    def look() -> list[int]:
        return [line_bytes(), tcp_segments(), *(flow.bytes for flow in flows)]

    looks = [look()]
    began = time.monotonic()
    for second in range(1, int(spec["seconds"]) + 1):
        time.sleep(max(0.0, began + second - time.monotonic()))
        looks.append(look())
    code = watchers.wait() if watchers else 0
    line, segments, *tcp = (last - first for first, last in zip(looks[0], looks[-1]))
    on_the_line = [bytes_ + HEADERS * segments // len(flows) for bytes_ in tcp]
    with open(spec["flows"], "w") as file:
        json.dump(
            {
                "seconds": len(looks) - 1,
                "line_bytes": line,
                "tcp_bytes": on_the_line,
                "other_bytes": line - sum(on_the_line),
                "tcp_payload_bytes": tcp,
                "tcp_payload_each_second": [[b - a for a, b in zip(one[2:], two[2:])] for one, two in zip(looks, looks[1:])],
            },
            file,
        )
    sys.exit(code)


if __name__ == "__main__":
    main()
