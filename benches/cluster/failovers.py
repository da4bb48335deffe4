"""How long rooms stand still when nodes are killed or restarted: the longer runs of router/tests/promises, and what they print."""

import os
import re
import subprocess

from ..page.ground import REASON_MAX
from ..side_by_side.figures import Row
from .apart import ROOT

RUN = os.path.join(ROOT, "router", "tests", "promises", "run")
KEPT = re.compile(
    r"^kept +\w+ \(\d+ s\): (?P<acked>\d+) acked, (?P<lost>\d+) lost, (?P<doubled>\d+) doubled, (?P<reordered>\d+) reordered, .*"
    r"; (?P<rounds>\d+) rounds, stall p50 (?P<p50>\d+) ms, max (?P<most>\d+) ms",
    re.MULTILINE,
)


def crashes(options):
    """`kill -9`."""
    found = run(options, "--times", options.times)
    what = f"failover, `kill -9`, {found['rounds']} times: no publication of a room"
    yield stall(what, "p50", found["p50"], 1_500)
    yield stall(what, "max", found["most"], 2_000)
    yield kept(f"acknowledged and lost / doubled / reordered, over {found['rounds']} failovers", found)


def restarts(options):
    """`ringway drain` and a new start, each node in turn."""
    found = run(options, "--rolling", options.rolling)
    yield stall(f"rolling restart, {found['rounds']} nodes: no publication of a room", "max", found["most"], 250)
    yield kept(f"acknowledged and lost / doubled / reordered, over {found['rounds']} restarts", found)


def stall(what, quantile, ms, limit_ms):
    return Row(f"{what}, {quantile}", f"{ms:,} ms", "–", "–", f"< {limit_ms:,} ms", [ms], limit_ms - 1)


def kept(what, found):
    bad = [found[name] for name in ("lost", "doubled", "reordered")]
    return Row(what, " / ".join(map(str, bad)), f"{found['acked']:,} acknowledged", "–", "0 / 0 / 0", [sum(bad)], 0)


def run(options, flag, count):
    """What the promise's line says. Raises RuntimeError if it was broken, or could not be tried here."""
    done = subprocess.run([RUN, options.binaries, flag, str(count)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(done.stdout + done.stderr, end="", flush=True)
    return figures_of(done.stdout, done.stderr)


def figures_of(said, evidence=""):
    found = KEPT.search(said)
    if not found:
        faults = [line for line in evidence.splitlines() if line.startswith("AssertionError")] or said.strip().splitlines() or evidence.strip().splitlines()
        raise RuntimeError(f"not kept: {faults[0][:REASON_MAX] if faults else 'it said nothing'}")
    return {name: int(value) for name, value in found.groupdict().items()}
