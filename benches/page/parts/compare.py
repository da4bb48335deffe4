"""Other servers under the same load in turns: whatever `ringway-load compare` is told to compare."""

import os
import shlex
import shutil
from typing import Any

from ...side_by_side.figures import number
from ..ground import Ground, LeftOut, load
from ..markdown import spread, table
from ..needs import CORES
from ..record import Record

SERVERS = "loadgen/servers"
SCENARIO = "fanout --subscribers 200 --rate 50 --duration 5s"
# What is compared where nothing else is named: a broker and a broadcaster, each with what it needs.
USUAL = (
    (f"{SERVERS}/ringway.toml {SERVERS}/mosquitto.toml {SCENARIO}", lambda: shutil.which("mosquitto"), "apt-get install mosquitto"),
    (f"{SERVERS}/ringway.toml {SERVERS}/ws-broadcast.toml {SCENARIO}", lambda: os.path.isdir(f"{SERVERS}/ws-broadcast/node_modules"), f"npm ci --prefix {SERVERS}/ws-broadcast"),
)
UNITS = {"us": "µs", "per_s": "/s", "/s": "/s"}


class Compare:
    name = "compare"
    what = "others under the same load, by `ringway-load compare`; by default an MQTT broker and a WebSocket broadcaster"
    minutes = (3, 0.5)
    needs = (CORES,)

    def measure(self, ground: Ground) -> Any:
        wanted = list(ground.compare) or [arguments for arguments, there, _ in USUAL if there()]
        if not wanted:
            raise LeftOut("there is no other server here: " + ", or ".join(f"`{setup}`" for *_, setup in USUAL))
        # Descriptions name programs: ours is the one that is measured.
        folder = os.path.dirname(ground.binary("ringway"))
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
        return [self.one(ground, nth, arguments) for nth, arguments in enumerate(wanted, 1)]

    def one(self, ground: Ground, nth: int, arguments: str) -> dict[str, Any]:
        out, words = ground.fresh(f"compare.{nth}.result.json"), shlex.split(arguments)
        # Ours come first: whatever follows the two servers is the scenario's.
        ours = ["--server-cores", ground.server_core, "--client-core", ground.client_core, "--json", out]
        ours += ["--rounds", 1] if ground.quick and "--rounds" not in words else []
        ground.run(self.name, ground.binary("ringway-load"), "compare", *ours, *words, may_fail=True)
        found = load(out, "`ringway-load compare`", ground.log(self.name))
        return {"arguments": arguments, "compare": found.get("compare", found)}


def show_compare(record: Record) -> str:
    return "\n\n".join(map(show_one, record.data))


def show_one(found: dict[str, Any]) -> str:
    comparison = found["compare"]
    names = [side_name(comparison.get(side), side) for side in ("a", "b")]
    rows = ([row["name"], *(show_side(row.get(side), row.get("unit")) for side in ("a", "b")), show_ratio(row.get("ratio"))] for row in comparison["rows"])
    told = [f"`ringway-load compare {found['arguments']}`:", "", table(["what", *names, f"{names[0]} / {names[1]}"], rows)]
    for kind in ("warnings", "failures"):
        told += ["", *(f"- {text}" for text in comparison[kind])] if comparison.get(kind) else []
    return "\n".join(told)


def side_name(side: Any, otherwise: str) -> str:
    return side.get("name") or otherwise if isinstance(side, dict) else otherwise


def show_side(values: Any, unit: str | None) -> str:
    """One number, or one of each round."""
    samples = sorted(value for value in (values if isinstance(values, list) else [values]) if value is not None)
    if not samples:
        return "–"
    unit = f" {UNITS.get(unit, unit)}" if unit else ""
    middle = samples[len(samples) // 2] if len(samples) % 2 else (samples[len(samples) // 2 - 1] + samples[len(samples) // 2]) / 2
    return spread(samples, middle) + unit


def show_ratio(ratio: dict[str, float | None] | None) -> str:
    if not ratio or ratio.get("median") is None:
        return "–"
    return f"{number(ratio['median'])} ({number(ratio['min'])}–{number(ratio['max'])})"
