"""The coordinator: three members of etcd in the bridge's namespace, each with an address of its own."""

import json
import os
import urllib.request

from .network import ETCD
from .process import Process, until

CLIENT_PORT, PEER_PORT = 2379, 2380
URLS = [f"http://{address}:{CLIENT_PORT}" for address in ETCD]


class Etcd:
    """Members by index. Their data should be in memory: a disk that others keep busy loses leases, and that would be the host's fault."""

    def __init__(self, directory):
        peers = [f"http://{address}:{PEER_PORT}" for address in ETCD]
        everybody = ",".join(f"m{index}={peer}" for index, peer in enumerate(peers))
        self.members = []
        for index, (client, peer) in enumerate(zip(URLS, peers)):
            words = ["etcd", "--name", f"m{index}", "--data-dir", os.path.join(directory, f"etcd-{index}")]
            words += ["--listen-client-urls", client, "--advertise-client-urls", client]
            words += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", everybody]
            words += ["--heartbeat-interval", "50", "--election-timeout", "500", "--logger", "zap", "--log-level", "error"]
            self.members.append(Process(words, os.path.join(directory, f"etcd-{index}.log")))

    def start(self):
        for member in self.members:
            member.start()
        until("etcd has a leader", lambda: self.leader() is not None)

    def leader(self):
        """The index of the member that leads; `None` if there is none."""
        for index, url in enumerate(URLS):
            status = ask(url)
            if status and status.get("leader", "") == status["header"]["member_id"]:
                return index
        return None

    def kill(self):
        for member in self.members:
            member.kill()


def ask(url):
    """What a member says of itself; `None` if it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/v3/maintenance/status", b"{}", timeout=1) as answer:
            return json.load(answer)
    except OSError:
        return None
