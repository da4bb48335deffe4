"""Measures the cluster's table of docs/benchmarks.md.

    cargo build --release -p ringway -p ringway-load -p ringway-benches
    python3 -m benches.cluster --out cluster.json             # all of it, about a quarter of an hour
    python3 -m benches.cluster latency replicas --quick       # some groups; whether they run

Nodes run as for router/tests/promises: each in a network namespace of its own, three members of etcd, everything in namespaces that end with this. Prints the table as
markdown and writes every sample, and the rows as shown, as JSON. A group that fails says so and leaves the others.
"""

import argparse
import json
import os
import signal
import sys
import tempfile

from ..side_by_side.figures import HEAD
from . import apart, failovers, placement
from .field import FAULTS
from .inside import GROUPS

OUTSIDE = {"placement": placement.rows, "failovers": failovers.crashes, "restarts": failovers.restarts}


def arguments():
    names = [*(group.name for group in GROUPS), *OUTSIDE]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help="only these: " + ", ".join(names))
    parser.add_argument("--alternations", type=int, default=5)
    parser.add_argument("--times", type=int, default=30, help="failovers")
    parser.add_argument("--rolling", type=int, default=9, help="restarts of a node")
    parser.add_argument("--quick", action="store_true", help="one alternation, short samples, few failovers: whether all runs, nothing to cite")
    parser.add_argument("--binaries", default=os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release"))
    parser.add_argument("--server-core", type=int, default=0, help="of the node that owns the rooms")
    parser.add_argument("--client-core", type=int, default=1, help="of the other nodes")
    parser.add_argument("--out", help="every sample, as JSON")
    options = parser.parse_args()
    if options.quick:
        options.alternations, options.times, options.rolling = 1, 2, 3
    unknown = set(options.groups) - set(names)
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    options.groups = options.groups or names
    options.binaries = os.path.abspath(options.binaries)
    return options


def main():
    options = arguments()
    # Whoever ends us, our nodes end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found = {"alternations": options.alternations, "times": options.times, "rolling": options.rolling, "samples": {}, "rows": [], "faults": []}
    inside = [group.name for group in GROUPS if group.name in options.groups]
    if inside:
        with tempfile.TemporaryDirectory(prefix="ringway-cluster-") as scratch:
            part = apart.run(options, inside, os.path.join(scratch, "inside.json"))
        for name in ("samples", "rows", "faults"):
            found[name] = part[name]
    for name, measure in OUTSIDE.items():
        if name not in options.groups:
            continue
        print(f"{name} …", flush=True)
        try:
            found["rows"] += [row.texts() for row in measure(options)]
        except FAULTS as fault:
            found["faults"].append(f"{name}: {fault}")
    if options.out:
        with open(options.out, "w") as file:
            json.dump(found, file, indent=1)
            file.write("\n")
    print("\n".join([HEAD, *("| " + " | ".join(row) + " |" for row in found["rows"])]))
    for fault in found["faults"]:
        print(fault, file=sys.stderr)
    sys.exit(bool(found["faults"]))


if __name__ == "__main__":
    main()
