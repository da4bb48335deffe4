"""Measures how old the newest state is at the other end of bad networks.

    cargo build --release -p ringway -p ringway-load
    python3 -m benches.loss --out loss.json --markdown loss.md --plot docs/loss.svg   # all of it, 25 minutes
    python3 -m benches.loss --quick                                                   # what has a limit, 2 minutes

Needs root and /dev/net/tun (see docs/load.md) and `openssl`. Cells that are compared with each other run at the same time, each in a network of its own; seeds
are fixed. `--from loss.json` reports and draws again what was measured before.
"""

import argparse
import json
import os
import signal
import sys
import time

from ..side_by_side.__main__ import host
from . import plot
from .acceptance import Acceptance
from .beside import TCP_CONGESTION
from .cell import Cell, Found, Line, Way
from .congestion import Congestion, Fairness
from .ground import Ground, stamp
from .matrix import Matrix

GROUPS = (Acceptance, Matrix, Congestion, Fairness)


def arguments() -> argparse.Namespace:
    target = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help="only these: " + ", ".join(group.name for group in GROUPS))
    parser.add_argument("--quick", action="store_true", help="only the cells that have a limit")
    parser.add_argument("--ringway", default=f"{target}/ringway")
    parser.add_argument("--load", default=f"{target}/ringway-load")
    parser.add_argument("--jobs", type=int, default=3, help="cells at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tcp-congestion", help="of WebSocket's TCP; by default the host's")
    parser.add_argument("--rival-congestion", default="cubic", help="of the TCP that competes for a line")
    parser.add_argument("--out", help="every cell, as JSON")
    parser.add_argument("--markdown", help="the tables")
    parser.add_argument("--plot", help="the plot of the table, as SVG")
    parser.add_argument("--from", dest="before", help="measure nothing: report what --out wrote")
    options = parser.parse_args()
    unknown = set(options.groups) - {group.name for group in GROUPS}
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    for path in (options.ringway, options.load):
        if not options.before and not os.access(path, os.X_OK):
            parser.error(f"{path}: build it, or name another with --ringway and --load")
    return options


def main() -> None:
    options = arguments()
    options.ringway, options.load = os.path.abspath(options.ringway), os.path.abspath(options.load)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = ["acceptance"] if options.quick else options.groups
    groups = [group() for group in GROUPS if not wanted or group.name in wanted]
    if options.before:
        facts, cells = recall(options.before)
        where = facts["host"]
    else:
        tcp = options.tcp_congestion or of_the_host()
        where = f"{host()}, TCP by {tcp}, its rivals by {options.rival_congestion}, seed {options.seed}, {options.jobs} cells at a time"
        cells = measure(options, groups, where)
    report(options, groups, where, cells)
    sys.exit(any(found.faults for found in cells.values()))


def of_the_host() -> str:
    with open(TCP_CONGESTION) as file:
        return file.read().strip()


def measure(options: argparse.Namespace, groups: list, where: str) -> dict[Cell, Found]:
    began = time.monotonic()
    with Ground(options) as ground:
        print(f"{where}: about {ground.takes_s(batch for group in groups for batch in group.batches()) / 60:.0f} minutes", flush=True)

        def tell(found: Found) -> None:
            ages = " / ".join(f"{found.age(quantile):.1f}" for quantile in ("p50", "p99", "p999", "max")) + " ms" if found.has_ages() else "–"
            print(f"{stamp(began)}  {found.cell}: {ages}", *found.faults, *found.relay.get("warnings", []), sep="\n       ", flush=True)

        for group in groups:
            for batch in group.batches():
                ground.measure(batch, tell)
                if options.out:
                    keep(options.out, where, ground.found)
        return ground.found


def report(options: argparse.Namespace, groups: list, where: str, cells: dict[Cell, Found]) -> None:
    def found(cell: Cell) -> Found:
        return cells.get(cell, Found(cell))

    text = f"{where}\n\n" + "\n\n".join(group.report(found) for group in groups) + "\n"
    print(f"\n{text}")
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write(text)
    if options.plot:
        with open(options.plot, "w") as file:
            file.write(plot.draw(found))


def keep(path: str, where: str, cells: dict[Cell, Found]) -> None:
    with open(path, "w") as file:
        json.dump({"host": where, "cells": [found.facts() for found in cells.values()]}, file, indent=1)
        file.write("\n")


def recall(path: str) -> tuple[dict, dict[Cell, Found]]:
    with open(path) as file:
        facts = json.load(file)
    return facts, found_of(facts)


def found_of(facts: dict) -> dict[Cell, Found]:
    """The cells of what `keep` wrote."""
    cells = {}
    for one in facts["cells"]:
        said = one["cell"]
        cell = Cell(**(said | {"line": Line(**said["line"]), "way": Way(**said["way"])}))
        cells[cell] = Found(cell, **{name: value for name, value in one.items() if name not in ("cell", "name")})
    return cells


if __name__ == "__main__":
    main()
