"""What became of a part: measured, failed or left out; when, of which commit, and what it found. One JSON file each, so that a run can be taken up again."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

MEASURED, FAILED, SKIPPED = "measured", "failed", "skipped"


@dataclass
class Record:
    part: str
    state: str
    date: str
    commit: str
    quick: bool = False
    seconds: float = 0
    # Why it failed or was left out.
    reason: str = ""
    data: Any = None

    def is_measured(self) -> bool:
        return self.state == MEASURED

    def caption(self) -> str:
        """When, and of which commit; what it is worth."""
        worth = ", a quick run: it shows that all runs, its figures are nothing to cite" if self.quick else ""
        return f"{self.date}, commit {self.commit}{worth}"

    def verdict(self) -> str:
        """Why there is nothing to show."""
        what = "failed" if self.state == FAILED else "not measured"
        return f"{what} on {self.date}, commit {self.commit}: {self.reason}"


def path_of(folder: str, part: str) -> str:
    return os.path.join(folder, f"{part}.json")


def write(folder: str, record: Record) -> None:
    """Whole or not at all: an interrupted run leaves no half of a file."""
    path = path_of(folder, record.part)
    with open(f"{path}.new", "w") as file:
        json.dump(asdict(record), file, indent=1)
        file.write("\n")
    os.replace(f"{path}.new", path)


def read(folder: str, part: str) -> Record | None:
    """What was written; nothing where nothing, or something else, is."""
    try:
        with open(path_of(folder, part)) as file:
            return Record(**json.load(file))
    except (OSError, ValueError, TypeError):
        return None
