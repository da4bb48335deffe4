"""Three nodes that stand, as router/tests/promises makes them, and what the groups ask of them: rooms whose owner is the first node, loads, metrics, CPU, a raw QUIC
round trip between two of their namespaces."""

import json
import os
import subprocess
import sys
import urllib.request

from ..side_by_side.rooms import Guest
from .apart import ROOT

sys.path.insert(0, os.path.join(ROOT, "router", "tests"))

from promises.cluster import UNLIMITED, Cluster  # noqa: E402
from promises.etcd import Etcd  # noqa: E402
from promises.network import Network, Unavailable, namespace  # noqa: E402
from promises.process import Process, until  # noqa: E402

__all__ = ["FAULTS", "Field", "Network"]

# What keeps a group from being measured, and leaves the others.
FAULTS = (AssertionError, LookupError, OSError, RuntimeError, ValueError, Unavailable, subprocess.SubprocessError)
SLOTS = 4_096
CLIENTS_PORT, HTTP_PORT, RAW_PORT = 7400, 7480, 7999
# Namespaces of each kind, all alike: of so many rooms called `load-0` some belong to the first node.
ALIKE = 24
# No work limits: what is measured is the cost of work, not its refusal.
SETTINGS = (*UNLIMITED, "drain.delay=0s", "drain.spread=0s")


class Field:
    """The first node owns what is published in and has the server's core, the others share the clients'. `with` all of it ends with the block."""

    nodes = 3

    def __init__(self, options, directory, network):
        self.options, self.directory, self.quick = options, directory, options.quick
        self.network, self.etcd = network, Etcd(directory)
        self.cluster = Cluster(options.binaries, directory, self.nodes)
        self.owner, self.other, self.third = self.cluster.nodes
        for node in self.cluster.nodes:
            core = options.server_core if node is self.owner else options.client_core
            node.set(f"node.cores={core}", *SETTINGS)
            with open(node.configuration, "a") as file:
                for replicas in (1, 2):
                    for name in alike(replicas):
                        file.write(f'\n[namespaces.{name}]\njoin = "anyone"\npublish = "anyone"\nreplicas = {replicas}\n')

    def __enter__(self):
        try:
            self.etcd.start()
            self.cluster.start()
            self.map = until("no slot is about to move", self.at_rest)
            self.of_owner = {replicas: [name for name in alike(replicas) if self.entry(name)["owner"] == self.owner.name] for replicas in (1, 2)}
        except BaseException as fault:
            self.__exit__()
            if isinstance(fault, AssertionError):
                raise RuntimeError(f"{fault}; {self.owner.last_lines()}") from fault
            raise
        return self

    def __exit__(self, *_):
        for process in (*self.cluster.nodes, *self.etcd.members):
            process.kill()

    def at_rest(self):
        """The map, if each slot has an owner and a standby with everything, and none is to move."""
        entries = self.cluster.map() if all(node.is_ready() for node in self.cluster.nodes) else []
        return len(entries) == SLOTS and all(entry["owner"] and entry["in_sync"] and not entry["next"] for entry in entries) and entries

    def stands(self):
        """Raises RuntimeError if a slot has moved since the beginning: then it was not what was to be measured."""
        if [(entry["owner"], entry["term"]) for entry in self.cluster.map()] != [(entry["owner"], entry["term"]) for entry in self.map]:
            raise RuntimeError("a slot changed its owner meanwhile")

    def lost_links(self):
        """How often a node has lost a link."""
        return sum(metric(node, "ringway_links_total", event="down") for node in self.cluster.nodes)

    def entry(self, name):
        """The map's entry of the room `load-0` of a namespace: the handle that a member is told begins with the slot."""
        guest = Guest(CLIENTS_PORT, self.third.address)
        try:
            joined = guest.ask({"type": "join", "id": 2, "room": f"{name}:load-0"}, "joined")
        finally:
            guest.socket.close()
        return self.map[int(joined["handle"], 16) >> 52]

    def rooms(self, replicas, number=0):
        """A namespace with so many replicas whose room the first node owns; another one by another number."""
        if len(self.of_owner[replicas]) <= number:
            raise RuntimeError(f"of {ALIKE} rooms the first node owns {len(self.of_owner[replicas])}")
        return self.of_owner[replicas][number]

    def load(self, scenario, doors, rooms_of, *arguments):
        """The summary of one run in a namespace's room, client by client at these nodes in turn. What breaks a promise is not worth measuring."""
        out = os.path.join(self.directory, "load.json")
        if os.path.exists(out):
            os.remove(out)
        words = ["taskset", "-c", str(self.options.client_core), os.path.join(self.options.binaries, "ringway-load"), scenario, "--url", ",".join(node.url for node in doors), "--namespace", rooms_of]
        words += ["--rooms", "1", "--json", out, "--quiet", *map(str, arguments)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if not os.path.exists(out):
            raise RuntimeError(f"{scenario} could not run: exit {done.returncode}: {done.stderr.strip()}")
        with open(out) as file:
            summary = json.load(file)
        if summary["failures"]:
            raise RuntimeError(f"{scenario}: {'; '.join(summary['failures'])}")
        return summary

    def round_trip(self, rate, seconds):
        """Quantiles in µs of 200 B there and back over one QUIC stream between the namespaces of the first two nodes, each end on its node's core."""
        def words(node, core, *more):
            bench = os.path.join(self.options.binaries, "ringway-bench")
            return ["ip", "netns", "exec", namespace(node.number), "taskset", "-c", str(core), bench, "quic-rtt", *map(str, more)]

        address = f"{self.owner.address}:{RAW_PORT}"
        server = Process(words(self.owner, self.options.server_core, "--listen", address), os.path.join(self.directory, "quic-rtt.log"))
        before = server.said("ready") if os.path.exists(server.log) else 0
        server.start()
        try:
            until("the other end is there", lambda: server.said("ready") > before)
            asks = words(self.other, self.options.client_core, "--connect", address, "--rate", rate, "--measure-ms", round(seconds * 1_000))
            done = subprocess.run(asks, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + 60)
        finally:
            server.kill()
        if done.returncode:
            raise RuntimeError(f"quic-rtt: {done.stderr.strip()}")
        return json.loads(done.stdout)


def alike(replicas):
    return [f"replicas-{replicas}-{number}" for number in range(ALIKE)]


def metric(node, name, /, **labels):
    """The sum of a node's metric over the samples that have these labels."""
    with urllib.request.urlopen(f"http://{node.address}:{HTTP_PORT}/metrics", timeout=5) as answer:
        return sum_of(answer.read().decode().splitlines(), name, labels)


def sum_of(lines, name, labels):
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    found = [line.rsplit(" ", 1) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(float(value) for what, value in found if all(label in what for label in wanted))


def cpu_ns(process):
    """Nanoseconds of CPU that a process has used, by the scheduler's own count."""
    tasks, total = f"/proc/{process.child.pid}/task", 0
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total
