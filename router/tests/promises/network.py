"""The network of the tests: a bridge in the namespace that we run in, one more namespace for each node, and what is cut off from what.

Whoever runs here is alone in a namespace of processes, mounts and networks (`run` sees to that), so nothing of this outlives it.
"""

import subprocess

# etcd's members and the clients have addresses of their own in the bridge's namespace: a node can lose the one and keep the other.
CLIENTS = "10.77.0.1"
ETCD = ("10.77.0.11", "10.77.0.12", "10.77.0.13")


class Unavailable(Exception):
    """This host can't do it; says what is missing."""


def node_address(number):
    return f"10.77.0.{100 + number}"


def namespace(number):
    return f"node-{number}"


class Network:
    """A bridge and so many nodes' namespaces. What is dropped is dropped in silence, on the bridge, in the direction asked for."""

    def __init__(self, nodes):
        command("ip", "link", "set", "lo", "up")
        command("ip", "link", "add", "hub", "type", "bridge")
        for address in (CLIENTS, *ETCD):
            command("ip", "address", "add", f"{address}/24", "dev", "hub")
        command("ip", "link", "set", "hub", "up")
        for number in range(1, nodes + 1):
            self._add(number)
        command("nft", "add table bridge partition")
        command("nft", "add set bridge partition cut { type ipv4_addr . ipv4_addr; }")
        # Between nodes; from a node to the bridge's own addresses; back.
        for hook in ("forward", "input", "output"):
            command("nft", f"add chain bridge partition {hook}s {{ type filter hook {hook} priority 0; }}")
            command("nft", f"add rule bridge partition {hook}s ip saddr . ip daddr @cut drop")

    @staticmethod
    def _add(number):
        name, inside = namespace(number), ("ip", "-n", namespace(number))
        command("ip", "netns", "add", name)
        command("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        command("ip", "link", "set", name, "master", "hub", "up")
        command(*inside, "link", "set", "lo", "up")
        command(*inside, "address", "add", f"{node_address(number)}/24", "dev", "eth0")
        command(*inside, "link", "set", "eth0", "up")

    def cut(self, some, others):
        """Nothing passes between any of these and any of those, both ways."""
        pairs = [pair for one in some for other in others for pair in (f"{one} . {other}", f"{other} . {one}")]
        command("nft", "add element bridge partition cut { " + ", ".join(pairs) + " }")

    def heal(self):
        command("nft", "flush set bridge partition cut")


def command(*words):
    """Runs it.

    Raises `Unavailable` with what it says when it fails: only a host that lacks something refuses what is done here.
    """
    try:
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except (OSError, subprocess.CalledProcessError) as fault:
        said = (getattr(fault, "stderr", None) or str(fault)).strip()
        raise Unavailable(f"`{' '.join(words)}`: {said}") from fault
