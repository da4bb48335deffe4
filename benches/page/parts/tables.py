"""Floors and cells: programs that print tables of their own and write them as JSON."""

from statistics import median
from typing import Any

from ...side_by_side.figures import number
from ..ground import Ground, load
from ..markdown import spread, table
from ..needs import CORES, FILES
from ..record import Record


class Floor:
    name = "floor"
    what = "what one socket write, one datagram, one wake-up and one copy cost here at best"
    minutes = (3, 0.5)
    needs = (CORES, FILES)

    def measure(self, ground: Ground) -> Any:
        out, hop = ground.fresh("floor.tables.json"), ground.fresh("hop.tables.json")
        flags = ["--alternations", 1, "--sample-ms", 50, "--sockets", "100,1000"] if ground.quick else []
        cores = ["--core", ground.server_core, "--peer-core", ground.client_core]
        ground.run(self.name, ground.binary("ringway-bench"), "floor", *cores, *flags, "--json", out)
        flags = ["--alternations", 1] if ground.quick else []
        ground.run(self.name, ground.binary("ringway-bench"), "hop", *flags, "--cores", ground.server_core, ground.client_core, "--json", hop)
        return load(out, "floor") | {"hop": load(hop, "hop")["tables"]}


class Cells:
    name = "cells"
    what = "the same echo and the same broadcast on each runtime"
    minutes = (2, 0.3)
    needs = (CORES, FILES)

    def measure(self, ground: Ground) -> Any:
        out = ground.fresh("cells.tables.json")
        flags = ["--alternations", 1, "--sample-ms", 60, "--connections", "100"] if ground.quick else []
        cores = ["--core", ground.server_core, "--peer-core", ground.client_core]
        ground.run(self.name, ground.binary("ringway-bench"), "cells", *cores, *flags, "--json", out)
        return load(out, "cells")


def show_floor(record: Record) -> str:
    return "\n\n".join(map(show, [*record.data["tables"], *record.data["hop"]]))


def show_cells(record: Record) -> str:
    """Both in one table: a row is a runtime, and its ratio is against the raw ring in the same round."""
    kinds = record.data["tables"]
    columns = [(kind["title"].split(",")[0], column) for kind in kinds for column in kind["columns"]]
    rows = {}
    for kind in kinds:
        raw = kind["rows"][0]["cells"]
        for row in kind["rows"]:
            cells = rows.setdefault(row["row"], [])
            for column in kind["columns"]:
                cell = row["cells"][column]
                ratios = [a / b for a, b in zip(cell["samples"], raw[column]["samples"]) if b]
                cells.append(f"{spread(cell['samples'], cell['median'])}; × {number(median(ratios))}")
    title = f"CPU nanoseconds of one operation of {record.data['bytes']} bytes, and how often that of the raw ring."
    return title + "\n\n" + table(["", *(f"{kind}, {column}" for kind, column in columns)], ([name, *cells] for name, cells in rows.items()))


def show(data: dict) -> str:
    """One table of the program's, medians with their spread."""
    columns = data["columns"]
    rows = ([row["row"], *(show_cell(row["cells"].get(column)) for column in columns)] for row in data["rows"])
    return f"{data['title'][0].upper()}{data['title'][1:]}, {data['unit']}:\n\n" + table(["", *columns], rows)


def show_cell(cell: dict | None) -> str:
    return spread(cell["samples"], cell["median"]) if cell and cell["samples"] else "–"
