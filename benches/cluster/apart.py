"""Runs `benches.cluster.inside` alone, in namespaces of processes, mounts and networks that end with it."""

import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# With its parent everything in the namespaces ends, by the kernel's hand.
APART = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
# Nobody sees this /run but what runs there: names of namespaces, and the nodes' files, in memory.
INSIDE = 'mount -t tmpfs tmpfs /run && exec "$@"'


def command(words):
    """These words, apart."""
    alone = APART if os.geteuid() == 0 else [*APART, "--map-root-user"]
    return [*alone, "sh", "-c", INSIDE, "sh", *words]


def run(options, groups, out):
    """What the groups measured. Raises RuntimeError if there is nothing."""
    words = [sys.executable, "-m", "benches.cluster.inside", *groups, "--alternations", options.alternations, "--binaries", options.binaries, "--out", out]
    words += ["--server-core", options.server_core, "--client-core", options.client_core, *(["--quick"] if options.quick else [])]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command([str(word) for word in words]), stdin=subprocess.DEVNULL, cwd=ROOT, env=environment)
    if not os.path.exists(out):
        raise RuntimeError(f"nothing was measured in the namespaces: exit {done.returncode}")
    with open(out) as file:
        found = json.load(file)
    if done.returncode:
        found["faults"].append(f"{', '.join(groups)}: ended early, with {done.returncode}")
    return found
