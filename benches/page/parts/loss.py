"""Bad networks: `benches.loss`, of which the page shows what has a limit, and ages by loss and distance."""

import os
import sys
from collections.abc import Callable
from typing import Any

from ...loss import plot
from ...loss.__main__ import found_of
from ...loss.acceptance import Acceptance
from ...loss.cell import Cell, Found
from ...loss.matrix import Matrix
from ..ground import Ground, load
from ..needs import CORES, OPENSSL, ROOT, TUN
from ..record import Record


class Loss:
    name = "loss"
    what = "age of the newest state at the other end of bad networks"
    minutes = (25, 2)
    needs = (CORES, ROOT, TUN, OPENSSL)

    def measure(self, ground: Ground) -> Any:
        out = ground.fresh("loss.cells.json")
        flags = ["--quick"] if ground.quick else ["acceptance", "table"]
        binaries = ["--ringway", ground.binary("ringway"), "--load", ground.binary("ringway-load")]
        # A fault of one cell is shown with its row; the others stand.
        ground.run(self.name, sys.executable, "-m", "benches.loss", *flags, *binaries, "--out", out, may_fail=True)
        return load(out, "`benches.loss`", ground.log(self.name))


def finder(record: Record) -> Callable[[Cell], Found]:
    cells = found_of(record.data)
    return lambda cell: cells.get(cell, Found(cell))


def show_limits(record: Record) -> str:
    faults = [f"- {cell['name']}: {fault}" for cell in record.data["cells"] for fault in cell["faults"]]
    told = "\n\nWhat went wrong:\n\n" + "\n".join(faults) if faults else ""
    return f"{record.data['host']}.\n\n{Acceptance().report(finder(record))}{told}"


def show_table(record: Record) -> str:
    return "Not part of a quick run." if record.quick else Matrix().report(finder(record))


def draw(record: Record, page: str) -> None:
    """The plot beside the page."""
    with open(os.path.join(os.path.dirname(page), "loss.svg"), "w") as file:
        file.write(plot.draw(finder(record)))
