"""The generated sections of the page: which parts each is made of, and how it is written."""

from collections.abc import Callable
from dataclasses import dataclass

from .parts.client import Client, show_client
from .parts.cluster import Cluster, show_cluster
from .parts.compare import Compare, show_compare
from .parts.instrument import Instrument, show_instrument
from .parts.loss import Loss, show_limits, show_table
from .parts.micro import Micro, Time, show_micro
from .parts.side_by_side import GROUPS, QUIC, show_groups
from .parts.tables import Cells, Floor, show_cells, show_floor
from .record import Record

Records = dict[str, Record]
# In the order in which they are measured.
PARTS = (Floor(), Cells(), Micro(), Time(), Client(), Instrument(), *GROUPS, QUIC, Loss(), Cluster(), Compare())
MACHINE = "machine"


@dataclass(frozen=True)
class Section:
    name: str
    parts: tuple[str, ...]
    # Of what was measured; only called if anything was.
    show: Callable[[Records], str]


def of_one(name: str, part: str, show: Callable[[Record], str]) -> Section:
    return Section(name, (part,), lambda records: show(records[part]))


SECTIONS = (
    of_one("floor", "floor", show_floor),
    of_one("cells", "cells", show_cells),
    Section("micro", ("micro", "time"), lambda records: show_micro(records.get("micro"), records.get("time"))),
    of_one("client", "client", show_client),
    of_one("instrument", "instrument", show_instrument),
    Section("side-by-side", tuple(group.name for group in GROUPS), lambda records: show_groups(GROUPS, records)),
    Section("quic", ("quic",), lambda records: show_groups((QUIC,), records)),
    of_one("loss-limits", "loss", show_limits),
    of_one("loss-table", "loss", show_table),
    of_one("cluster", "cluster", show_cluster),
    of_one("compare", "compare", show_compare),
)


def render(section: Section, records: Records) -> str:
    """The section's text: when and of which commit its parts are, what they found, and why others found nothing."""
    known = {name: records[name] for name in section.parts if name in records}
    measured = {name: record for name, record in known.items() if record.is_measured()}
    failed = [record for record in known.values() if not record.is_measured()]
    paragraphs = [captions(measured)] if measured else []
    if measured:
        # Groups say themselves, in their rows, why they found nothing.
        try:
            paragraphs.append(section.show(known if section.name == "side-by-side" else measured))
        except (LookupError, TypeError, ValueError, AttributeError) as why:
            # Written by another version of the part: no reason to lose the other sections.
            return f"**What `{', '.join(measured)}` wrote can't be read any more ({type(why).__name__}: {why}): measure it again.**"
    if not measured or section.name != "side-by-side":
        paragraphs += [f"**`{record.part}` {record.verdict()}**" for record in failed]
    return "\n\n".join(paragraphs) if paragraphs else "**Not measured yet.**"


def captions(records: Records) -> str:
    """One line if all are of the same day and commit, else who is of which."""
    by_caption: dict[str, list[str]] = {}
    for name, record in records.items():
        by_caption.setdefault(record.caption(), []).append(name)
    if len(by_caption) == 1:
        return f"*{next(iter(by_caption))}.*"
    return "*" + "; ".join(f"{', '.join(names)}: {caption}" for caption, names in by_caption.items()) + ".*"


def write_machine(facts: list[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts)])
