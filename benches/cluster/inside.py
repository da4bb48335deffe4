"""`python3 -m benches.cluster.inside`, alone in its namespaces (`apart` sees to that): the groups that need running nodes, one cluster after the other."""

import argparse
import json
import os
import time

from ..side_by_side.figures import Figures
from .copies import Copies
from .field import FAULTS, Field, Network
from .latency import Latency
from .links import Links
from .map import Map
from .replicas import Replicas

GROUPS = (Latency, Replicas, Copies, Links, Map)
WORK = "/run/ringway"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("groups", nargs="+")
    parser.add_argument("--alternations", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    for name in ("--binaries", "--out"):
        parser.add_argument(name, required=True)
    for name in ("--server-core", "--client-core"):
        parser.add_argument(name, type=int, required=True)
    return parser.parse_args()


def main():
    options = arguments()
    network = Network(Field.nodes)
    found = {"samples": {}, "rows": [], "faults": []}
    os.mkdir(WORK)
    for group in (group for group in GROUPS if group.name in options.groups):
        figures, directory = Figures(), os.path.join(WORK, group.name)
        os.mkdir(directory)
        try:
            with Field(options, directory, network) as field:
                measure(group(field), figures, options.alternations)
        except FAULTS as fault:
            found["faults"].append(f"{group.name}: {fault}")
            print(found["faults"][-1], flush=True)
        # Alternations before a fault stand.
        if figures.samples:
            found["rows"] += [row.texts() for row in group.rows(figures)]
        found["samples"][group.name] = figures.samples
        with open(options.out, "w") as file:
            json.dump(found, file)


def measure(group, figures, alternations):
    for alternation in range(1, alternations + 1):
        began = time.monotonic()
        group.alternation(figures)
        group.field.stands()
        print(f"{group.name}: {alternation} of {alternations} in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
