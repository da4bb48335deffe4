"""Tables."""

from collections.abc import Iterable, Sequence

from ..side_by_side.figures import number


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: int | None = None) -> str:
    """The first column to the left, the others (or only so many of them) to the right."""
    right = len(head) - 1 if right is None else right
    rule = "|".join(["---", *["---:"] * right, *["---"] * (len(head) - 1 - right)])
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def spread(samples: Sequence[float], median: float) -> str:
    """The middle one, and between which it lies."""
    return f"{number(median)} ({number(min(samples))}–{number(max(samples))})" if len(samples) > 1 else number(median)
