import unittest
from statistics import median

from ..parts.client import show_client
from ..parts.compare import show_one
from ..parts.instrument import CASES, Case, rows_of
from ..parts.micro import show_micro
from ..parts.tables import show, show_cells
from ..record import MEASURED, Record


def record(data) -> Record:
    return Record("part", MEASURED, "2026-01-02", "abc1234", data=data)


def cell(*samples: float) -> dict:
    return {"median": median(samples) if samples else None, "samples": list(samples)}


class Tables(unittest.TestCase):
    def test_columns_keep_the_programs_order_and_holes_are_shown(self):
        table = {"title": "sends", "unit": "ns", "columns": ["320", "1200"], "rows": [{"row": "send", "cells": {"1200": cell(3, 2, 4), "320": cell()}}]}
        self.assertEqual(show(table), "Sends, ns:\n\n|  | 320 | 1200 |\n|---|---:|---:|\n| send | – | 3.00 (2.00–4.00) |")

    def test_cells_are_divided_by_the_raw_ring_of_the_same_round(self):
        rows = [{"row": "raw ring", "cells": {"100": cell(10, 20)}}, {"row": "other", "cells": {"100": cell(20, 30)}}]
        kind = {"title": "echo, one", "unit": "ns", "columns": ["100"], "rows": rows}
        text = show_cells(record({"bytes": 140, "tables": [kind]}))
        self.assertIn("|  | echo, 100 |", text)
        self.assertIn("× 1.75 |", text)


class Micro(unittest.TestCase):
    def test_counts_and_times_of_a_case_share_a_row(self):
        counts = [{"case": "mask", "instructions": 105.0, "baseline": 100.0}, {"case": "split", "instructions": 7.0, "baseline": None}]
        times = {"mask": {"median": 1.0, "low": 0.5, "high": 2.0}}
        lines = show_micro(record(counts), record(times)).splitlines()
        self.assertEqual(lines[2:], ["| mask | 105 | +5.0 % | 1.00 (0.50–2.00) |", "| split | 7.00 | new | – |"])


class Instrument(unittest.TestCase):
    def found(self, case: Case, reported: float, truth: float) -> dict:
        names = ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")
        return {"case": vars(case), "reported": dict.fromkeys(names, reported), "truth": dict.fromkeys(names, truth), "put_off": 0}

    def test_arithmetic_of_each_programme(self):
        none, fixed, uniform, stall = CASES
        self.assertEqual(none.expected_us(0.99), 0)
        self.assertEqual(fixed.expected_us(0.5), 5_000)
        self.assertAlmostEqual(uniform.expected_us(0.99), 8_920)
        self.assertAlmostEqual(uniform.expected_us(0.999), 8_992)
        # 2 % of the publications are held up: half of that is left out by the 99th percentile.
        self.assertAlmostEqual(stall.expected_us(0.99), 100_000)
        self.assertAlmostEqual(stall.expected_us(0.999), 190_000)
        self.assertEqual(stall.expected_us(0.9), 0)

    def test_publications_are_further_apart_than_delays_differ(self):
        for case in CASES:
            self.assertGreater(1_000 / case.rate, case.high_ms - case.low_ms, case.name)

    def test_a_report_is_right_within_the_larger_of_two_bounds(self):
        verdicts = {(reported, truth): rows_of(self.found(CASES[0], reported, truth))[0][-1] for reported, truth in ((55, 50), (56, 50), (1_019, 1_000), (979, 1_000))}
        self.assertEqual(list(verdicts.values()), ["yes", "**no**", "yes", "**no**"])

    def test_the_first_row_of_a_case_names_it(self):
        rows = rows_of(self.found(CASES[1], 5_100, 5_050))
        self.assertEqual(rows[0], ["5 ms, 1,000 /s to 1: p50", "5,100 µs", "5,050 µs", "+50.0 µs (+1.0 %)", "5,000 µs", "2 % or 5 µs", "yes"])
        self.assertEqual([row[0] for row in rows[1:]], ["p90", "p99", "p99.9", "max"])


class Client(unittest.TestCase):
    def test_what_one_core_takes_is_held_against_the_target(self):
        data = {"fanout deliveries_per_s": [3.2e6], "fanout client": [0.8], "fanout server": [0.3], "fanout bound": [0.0]}
        for name in ("echo", "single"):
            data |= {f"{name} messages_per_s": [1e5], f"{name} client": [1.0], f"{name} server": [1.0], f"{name} bound": [1.0]}
        lines = show_client(record(data)).splitlines()
        self.assertIn("| 3,200,000 /s | client's core used: 0.80, the stub's: 0.30; client-bound in 0 of 1 | 4,000,000 /s of a whole core | ≥ 3 M | yes |", lines[2])
        self.assertTrue(lines[3].endswith("| **no** |"))


class Compare(unittest.TestCase):
    def test_rounds_become_a_median_with_its_spread(self):
        rows = [{"name": "p99", "unit": "us", "a": [1.0, 3.0, 2.0], "b": [4.0, None, 8.0], "ratio": {"median": 0.25, "min": 0.2, "max": 0.5}}, {"name": "lost", "a": 0, "b": 0}]
        text = show_one({"arguments": "fanout", "compare": {"a": {"name": "ringway"}, "b": {"name": "other"}, "rows": rows, "warnings": ["b has no history"]}})
        self.assertIn("| what | ringway | other | ringway / other |", text)
        self.assertIn("| p99 | 2.00 (1.00–3.00) µs | 6.00 (4.00–8.00) µs | 0.25 (0.20–0.50) |", text)
        self.assertIn("| lost | 0.00 | 0.00 | – |", text)
        self.assertTrue(text.endswith("- b has no history"))
