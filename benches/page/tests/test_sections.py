import os
import unittest

from ... import __main__ as program
from .. import markers
from ..record import FAILED, MEASURED, SKIPPED, Record
from ..sections import MACHINE, PARTS, SECTIONS, captions, render, write_machine

BY_NAME = {section.name: section for section in SECTIONS}


def record(part: str, state: str = MEASURED, **facts) -> Record:
    return Record(part, state, "2026-01-02", facts.pop("commit", "abc1234"), **facts)


class Sections(unittest.TestCase):
    def test_the_page_has_each_section_once_and_no_other(self):
        with open(program.PAGE) as file:
            found = markers.names(file.read())
        self.assertEqual(sorted(found), sorted([MACHINE, *BY_NAME]))
        self.assertTrue(os.path.exists(program.PAGE))

    def test_each_part_is_shown_somewhere_and_each_section_is_made_of_parts(self):
        shown = {part for section in SECTIONS for part in section.parts}
        self.assertEqual(shown, {part.name for part in PARTS})

    def test_nothing_known_is_said(self):
        self.assertEqual(render(BY_NAME["floor"], {}), "**Not measured yet.**")

    def test_a_part_that_failed_shows_its_reason_and_no_figure(self):
        text = render(BY_NAME["floor"], {"floor": record("floor", FAILED, reason="no core 7")})
        self.assertEqual(text, "**`floor` failed on 2026-01-02, commit abc1234: no core 7**")

    def test_one_of_two_parts_left_out_leaves_the_other_and_says_so(self):
        times = record("time", data={"mask": {"median": 12.34, "low": 12.0, "high": 13.0}})
        text = render(BY_NAME["micro"], {"time": times, "micro": record("micro", SKIPPED, reason="`valgrind` is missing")})
        self.assertIn("| mask | – | – | 12.3 (12.0–13.0) |", text)
        self.assertIn("**`micro` not measured on 2026-01-02, commit abc1234: `valgrind` is missing**", text)

    def test_rows_of_a_group_that_failed_say_so_in_their_place(self):
        rows = [["a", "1 ns", "–", "–", "≤ 2", "yes"]]
        text = render(BY_NAME["side-by-side"], {"echo": record("echo", FAILED, reason="a | b"), "fanout": record("fanout", data={"rows": rows})})
        lines = text.splitlines()
        self.assertEqual(lines[0], "*2026-01-02, commit abc1234.*")
        self.assertIn("failed on 2026-01-02, commit abc1234: a / b", lines[4])
        self.assertEqual(lines[5], "| a | 1 ns | – | – | ≤ 2 | yes |")
        self.assertTrue(all(line.count("|") == 7 for line in lines[2:]), text)

    def test_a_result_of_another_version_says_that_it_must_be_measured_again(self):
        self.assertIn("measure it again", render(BY_NAME["floor"], {"floor": record("floor", data={"rows": []})}))

    def test_parts_of_different_commits_say_who_is_of_which(self):
        text = captions({"a": record("a"), "b": record("b", commit="fff0000"), "c": record("c")})
        self.assertEqual(text, "*a, c: 2026-01-02, commit abc1234; b: 2026-01-02, commit fff0000.*")

    def test_a_quick_run_says_that_it_is_one(self):
        self.assertIn("nothing to cite", record("a", quick=True).caption())

    def test_the_machine_is_a_table(self):
        self.assertEqual(write_machine([("cores", "2")]), "| | |\n|---|---|\n| cores | 2 |")
