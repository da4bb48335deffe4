"""Three nodes on one machine: `benches.cluster`, a row for each promise of a cluster that has a figure."""

import sys
from typing import Any

from ...side_by_side.figures import HEAD
from ..ground import Ground, load
from ..needs import CORES, ETCD, IP, NAMESPACES, NFT, TASKSET
from ..record import Record


class Cluster:
    name = "cluster"
    what = "three nodes on one machine: across links, with a standby, and how long rooms stand still"
    minutes = (20, 3)
    needs = (CORES, TASKSET, IP, NFT, ETCD, NAMESPACES)

    def measure(self, ground: Ground) -> Any:
        out = ground.fresh("cluster.samples.json")
        cores = ["--server-core", ground.server_core, "--client-core", ground.client_core]
        flags = ["--quick"] if ground.quick else []
        # A group that failed is shown below the rows of the others.
        ground.run(self.name, sys.executable, "-m", "benches.cluster", *flags, *cores, "--binaries", ground.binaries, "--out", out, may_fail=True)
        return load(out, "`benches.cluster`", ground.log(self.name))


def show_cluster(record: Record) -> str:
    rows = ["| " + " | ".join(row) + " |" for row in record.data["rows"]]
    faults = [f"- {' '.join(fault.split())}" for fault in record.data["faults"]]
    return "\n".join([HEAD, *rows]) + ("\n\nNot measured:\n\n" + "\n".join(faults) if faults else "")
