"""The nodes: configuration and keys as in `router/examples/three-nodes`, one node in each namespace, and what they say of themselves."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request

from . import etcd
from .network import namespace, node_address
from .process import Process, until

# The key of the handles is fixed: the same rooms fall into the same slots in each run.
CLUSTER_KEY = f'handles = "{"0a" * 16}"\nresume = ["{"0b" * 32}"]\n'

CONFIGURATION = """\
[node]
name = "node-{number}"
state_dir = "{directory}/state-{number}"
shards = 1

[clients]
listen = ["{address}:7400"]
anonymous = true

[tls]
mode = "off"

[http]
listen = ["{address}:7480"]
token_file = "{directory}/token"

[cluster]
coordinator = "etcd"
endpoints = {endpoints}

[links]
listen = "{address}:7410"
certificate_file = "{directory}/pki/node-{number}.pem"
ca_file = "{directory}/pki/ca.pem"

[drain]
delay = "500ms"
spread = "2s"

[log]
format = "json"

# A standby has every publication before anybody is told of it.
[namespaces.chat]
join = "anyone"
publish = "anyone"
replicas = 2

# Rooms of one node's memory: begun anew when their owner is lost.
[namespaces.memory]
join = "anyone"
publish = "anyone"
replicas = 1
"""


# Work without a limit, where its refusal is not what is tried.
UNLIMITED = ("limits.work_per_s=100000000", "limits.work_burst=100000000")


class Node(Process):
    """One of them, by number from 1."""

    def __init__(self, binaries, directory, number):
        self.number, self.name, self.address = number, str(number), node_address(number)
        self.binary = os.path.join(binaries, "ringway")
        self.configuration = os.path.join(directory, f"node-{number}.toml")
        self.url = f"ws://{self.address}:7400/v1"
        words = ["ip", "netns", "exec", namespace(number), self.binary, "serve", "--config", self.configuration]
        super().__init__(words, os.path.join(directory, f"node-{number}.log"))
        subprocess.run([self.binary, "pki", "issue", "--dir", f"{directory}/pki", "--node", self.name], check=True, stdout=subprocess.DEVNULL)
        state = os.path.join(directory, f"state-{number}")
        os.mkdir(state, 0o700)
        write_secret(os.path.join(state, "cluster.key"), CLUSTER_KEY)
        with open(self.configuration, "w") as file:
            file.write(CONFIGURATION.format(number=number, directory=directory, address=self.address, endpoints=json.dumps(etcd.URLS)))

    def set(self, *settings):
        """Starts with these from now on, whatever its file says."""
        self.words += [word for setting in settings for word in ("--set", setting)]

    def readiness(self):
        """The status of `/readyz` and why; 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:7480/readyz", timeout=5) as answer:
                return answer.status, ""
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode(errors="replace").strip()
        except OSError as fault:
            return 0, str(fault)

    def is_ready(self):
        return self.readiness()[0] == 200

    def look(self, what):
        """What `ringway cluster WHAT` prints; `None` if the node does not say."""
        words = [self.binary, "cluster", what, "--config", self.configuration, "--format", "json"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return None

    def drain(self):
        """`ringway drain`, and waits until it has ended; its exit code."""
        subprocess.run([self.binary, "drain", "--config", self.configuration], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return self.wait()

    def terminate(self):
        """SIGTERM, and waits until it has ended; its exit code."""
        self.send(signal.SIGTERM)
        return self.wait()


class Cluster:
    """Nodes over a coordinator."""

    def __init__(self, binaries, directory, nodes):
        ringway = os.path.join(binaries, "ringway")
        subprocess.run([ringway, "pki", "init", "--dir", f"{directory}/pki", "--cluster", "promises"], check=True, stdout=subprocess.DEVNULL)
        write_secret(os.path.join(directory, "token"), "0c" * 16)
        self.nodes = [Node(binaries, directory, number) for number in range(1, nodes + 1)]

    def start(self):
        for node in self.nodes:
            node.start()

    def node(self, name):
        return self.nodes[int(name) - 1]

    def map(self):
        """The map as the first node that is ready sees it; empty if none says."""
        return next((entries for node in self.nodes if node.is_ready() and (entries := node.look("map"))), [])


def write_secret(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
