import unittest

from ...cluster import failovers, placement
from ...cluster.copies import Copies, of_one
from ...cluster.field import sum_of
from ...cluster.inside import GROUPS
from ...cluster.latency import Latency
from ...cluster.links import Links
from ...cluster.map import Map
from ...cluster.replicas import Replicas
from ...side_by_side.figures import Figures
from ..parts.cluster import show_cluster
from ..record import MEASURED, Record

LINE = "kept    failovers (460 s): 89123 acked, 0 lost, 1 doubled, 0 reordered, 0 resets; 12 repeated, longest stall 1990 ms; 30 rounds, stall p50 1403 ms, max 1990 ms\n"


def verdicts(rows) -> list[str]:
    return [row.texts()[-1] for row in rows]


class Rows(unittest.TestCase):
    def test_a_crossing_is_held_against_the_raw_round_trip_of_its_alternation(self):
        found = Figures()
        for name, samples in {"crossing": (200, 330), "raw": (100, 110), "raw without a pause": (50, 50), "local": (90, 90)}.items():
            found.samples |= {f"{name} p50_us": samples, f"{name} p99_us": samples}
        p50, p99 = Latency.rows(found)
        self.assertEqual(p50.texts()[3:], ["2.50 (2.00–3.00)", "≤ 2.5", "yes"])
        self.assertEqual(p99.texts()[-1], "–")

    def test_a_standby_may_add_a_round_trip_and_a_little(self):
        base = {"1 p50_us": [100], "1 p99_us": [200], "2 p99_us": [500], "raw": [150], "link": [400], "1 rate": [100], "1 cpu": [10], "2 cpu": [15]}
        for p50, rate, expected in ((350, 60, "yes"), (351, 59, "**no**")):
            found = Figures()
            found.samples = base | {"2 p50_us": [p50], "2 rate": [rate]}
            self.assertEqual(verdicts(Replicas.rows(found)), [expected, "–", expected, "–"])

    def test_copies_are_counted_exactly(self):
        found = Figures()
        for name, values in {"two": (2.0, 1.0, 1.0), "one": (1.02, 1.0, 0.0)}.items():
            found.samples |= {f"{name} {what}": [value] for what, value in zip(("out", "into other", "into third"), values)}
        self.assertEqual(verdicts(Copies.rows(found)), ["yes", "**no**"])

    def test_what_joining_costs_is_no_copy(self):
        self.assertEqual(of_one([400, 812, 406, 406], [1_200, 2_412, 1_206, 1_206]), {"out": 2.0, "into other": 1.0, "into third": 1.0})

    def test_the_rate_of_a_core_is_of_the_senders_cpu_and_the_links_own_is_the_promise(self):
        found = Figures()
        found.samples = {"rate": [150_000], "sender ns": [2_500], "receiver ns": [2_000]}
        for name, value in (("per_s", 600_000), ("sender_ns", 1_300), ("receiver_ns", 1_300)):
            found.record(f"alone {name}", value)
        alone, row = Links.rows(found)
        self.assertEqual(alone.texts()[-1], "yes")
        self.assertEqual((row.texts()[1], row.texts()[-1]), ("400,000 /s", "–"))

    def test_a_map_that_grows_with_its_rooms_is_seen(self):
        for grown, expected in ((0, "yes"), (0.01, "**no**")):
            found = Figures()
            found.samples = {"rooms": [1_000], "before": [34_240], "of a room": [grown]}
            self.assertEqual(verdicts(Map.rows(found)), [expected])

    def test_a_loss_that_moves_others_is_too_much_whatever_it_moves(self):
        found = {"nodes": 50, "slots": 4_096, "over_worst": 0.01, "over_median": -0.001, "needless": 0, "map_bytes": 40_000}
        self.assertEqual(verdicts([placement.row(found)]), ["yes"])
        self.assertEqual(verdicts([placement.row(found | {"needless": 1})]), ["**no**"])
        self.assertEqual(verdicts([placement.row(found | {"over_worst": 0.051})]), ["**no**"])


class Rates(unittest.TestCase):
    def test_the_best_rate_is_the_last_one_that_nobody_missed_anything_of(self):
        class Field:
            quick = False

        class Some(Links):
            def run(self, rate):
                if rate > limit:
                    raise RuntimeError("gaps")
                return {"rate": rate}

        limit = 80_000
        self.assertEqual(Some(Field()).best(), {"rate": 75_000})
        limit = 0
        with self.assertRaisesRegex(RuntimeError, "gaps"):
            Some(Field()).best()


class Promises(unittest.TestCase):
    def test_the_line_of_a_promise_is_read(self):
        self.assertEqual(
            failovers.figures_of("kept in /dev/shm\n" + LINE), {"acked": 89_123, "lost": 0, "doubled": 1, "reordered": 0, "rounds": 30, "p50": 1_403, "most": 1_990}
        )

    def test_what_was_broken_or_skipped_is_no_figure(self):
        for said, why in (("BROKEN  failovers (3 s): \n", "BROKEN"), ("promises skipped: no nft\n", "no nft"), ("", "nothing")):
            with self.assertRaisesRegex(RuntimeError, why):
                failovers.figures_of(said)
        with self.assertRaisesRegex(RuntimeError, "round 2"):
            failovers.figures_of("BROKEN  failovers (3 s): \n", "Traceback\nAssertionError: broken: round 2\n")

    def test_a_stall_must_be_shorter_than_its_limit(self):
        self.assertEqual(verdicts([failovers.stall("a", "max", ms, 250) for ms in (249, 250)]), ["yes", "**no**"])


class Page(unittest.TestCase):
    def test_a_group_that_failed_leaves_the_rows_of_others(self):
        data = {"rows": [["a", "1 ns", "–", "–", "≤ 2", "yes"]], "faults": ["links: a slot\nmoved"]}
        lines = show_cluster(Record("cluster", MEASURED, "2026-01-02", "abc1234", data=data)).splitlines()
        self.assertEqual(lines[2], "| a | 1 ns | – | – | ≤ 2 | yes |")
        self.assertEqual(lines[-1], "- links: a slot moved")

    def test_metrics_are_summed_over_the_labels_that_are_not_named(self):
        lines = ['frames_total{shard="0",direction="in"} 3', 'frames_total{shard="1",direction="in"} 4', 'frames_total{shard="0",direction="out"} 9', "frames_total_more 1"]
        self.assertEqual(sum_of(lines, "frames_total", {"direction": "in"}), 7)

    def test_groups_have_different_names(self):
        self.assertEqual(len({group.name for group in GROUPS}), len(GROUPS))
