"""Hot paths: instructions counted by callgrind, and time measured by criterion, of the very same cases."""

import json
import os
import shutil
from typing import Any

from ...side_by_side.figures import number
from ..ground import Failed, Ground, load
from ..markdown import table
from ..needs import VALGRIND
from ..record import Record


class Micro:
    name = "micro"
    what = "hot paths in instructions, against the committed baseline"
    minutes = (2, 2)
    needs = (VALGRIND,)

    def measure(self, ground: Ground) -> Any:
        out = ground.fresh("micro.counts.json")
        ground.run(self.name, ground.binary("ringway-bench"), "micro", "--json", out)
        return load(out, "micro")["rows"]


class Time:
    name = "time"
    what = "the same hot paths in nanoseconds"
    minutes = (2, 0.5)
    needs = ()

    def measure(self, ground: Ground) -> Any:
        out = ground.path("criterion")
        shutil.rmtree(out, ignore_errors=True)
        flags = ["--samples", 10, "--warm-ms", 20, "--measure-ms", 50] if ground.quick else []
        ground.run(self.name, ground.binary("ringway-bench"), "time", "--core", ground.server_core, *flags, "--out", out)
        found = dict(map(of_criterion, estimates(out)))
        if not found:
            raise Failed("criterion wrote no estimates")
        return found


def estimates(folder: str) -> list[str]:
    return sorted(at for at, _, files in os.walk(folder) if os.path.basename(at) == "new" and "estimates.json" in files)


def of_criterion(folder: str) -> tuple[str, dict]:
    """A case and its median with criterion's confidence interval, in nanoseconds."""
    with open(os.path.join(folder, "benchmark.json")) as file:
        name = json.load(file)["value_str"]
    with open(os.path.join(folder, "estimates.json")) as file:
        median = json.load(file)["median"]
    interval = median["confidence_interval"]
    return name, {"median": median["point_estimate"], "low": interval["lower_bound"], "high": interval["upper_bound"]}


def show_micro(counts: Record | None, times: Record | None) -> str:
    """One row for each case; a part that is not there leaves its column empty."""
    counted = {row["case"]: row for row in counts.data} if counts else {}
    timed = times.data if times else {}
    names = [*counted, *(name for name in timed if name not in counted)]
    rows = ([name, *show_count(counted.get(name)), show_time(timed.get(name))] for name in names)
    return table(["one operation", "instructions", "against the baseline", "ns, median (95 % confidence)"], rows)


def show_count(row: dict | None) -> tuple[str, str]:
    if row is None:
        return "–", "–"
    if not row["baseline"]:
        return number(row["instructions"]), "new"
    # Adding nothing makes -0.0 a 0.0.
    growth = round((row["instructions"] / row["baseline"] - 1) * 100, 1) + 0.0
    return number(row["instructions"]), f"{growth:+.1f} %"


def show_time(time: dict | None) -> str:
    return f"{number(time['median'])} ({number(time['low'])}–{number(time['high'])})" if time else "–"
