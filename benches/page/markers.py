"""Generated sections of a page written by hand: what stands between two markers is ours, everything else is not."""

import re


class NoSection(Exception):
    """The page has no such pair of markers, or more than one."""


def begin(name: str) -> str:
    return f"<!-- begin {name} -->"


def end(name: str) -> str:
    return f"<!-- end {name} -->"


def names(page: str) -> list[str]:
    """The sections of a page, in its order."""
    return re.findall(r"^<!-- begin ([a-z-]+) -->$", page, re.MULTILINE)


def replace(page: str, name: str, text: str) -> str:
    """The page with another text in a section.

    Raises NoSection if the section is not there exactly once, begin before end.
    """
    if page.count(begin(name)) != 1 or page.count(end(name)) != 1:
        raise NoSection(f"the page needs exactly one line {begin(name)} and one {end(name)}")
    head, rest = page.split(begin(name))
    if end(name) not in rest:
        raise NoSection(f"{end(name)} stands before {begin(name)}")
    tail = rest.split(end(name))[1]
    return f"{head}{begin(name)}\n{text.strip()}\n{end(name)}{tail}"
