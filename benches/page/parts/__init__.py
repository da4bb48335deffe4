"""What is measured, one file for each part. A part has a name, says what it is, how long it takes and what it needs, measures (`measure`) and shows (`show_…`) what
was found. Showing is pure: records in, Markdown out."""

from typing import Any, Protocol

from ..ground import Ground
from ..needs import Need


class Part(Protocol):
    name: str
    what: str
    # Minutes, in full and quick.
    minutes: tuple[float, float]
    needs: tuple[Need, ...]

    def measure(self, ground: Ground) -> Any:
        """What was found, as JSON takes it. Raises Failed."""
        ...
