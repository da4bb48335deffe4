"""The coordinator: three members of etcd in the bridge's namespace, each with an address of its own."""

import json
import os
import subprocess

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
            words += ["--heartbeat-interval", "50", "--election-timeout", "500", "--logger", "zap", "--log-level", "warn"]
            self.members.append(Process(words, os.path.join(directory, f"etcd-{index}.log")))

    def start(self):
        for member in self.members:
            member.start()
        until("etcd has a leader", lambda: self.leader() is not None)

    def leader(self):
        """The index of the member that leads; `None` if there is none, or nobody says so."""
        words = ["etcdctl", "--endpoints", ",".join(URLS), "--command-timeout", "1s", "endpoint", "status", "--write-out", "json"]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            members = json.loads(done.stdout)
        except ValueError:
            return None
        leaders = [m["Endpoint"] for m in members if m["Status"].get("leader") and m["Status"]["leader"] == m["Status"]["header"]["member_id"]]
        return URLS.index(leaders[0]) if leaders else None

    def kill(self):
        for member in self.members:
            member.kill()
