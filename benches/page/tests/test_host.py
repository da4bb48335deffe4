import json
import os
import tempfile
import unittest

from .. import machine, record
from ..ground import REASON_MAX, ROOT, for_the_page, last_line
from ..needs import Need, what_is_missing
from ..record import MEASURED, Record

FILES = {
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Fast One\nflags\t\t: fpu hypervisor\n",
    "/proc/meminfo": "MemTotal:       16777216 kB\nMemFree: 1 kB\n",
    "/sys/devices/system/cpu/smt/active": "1",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "/proc/sys/net/core/rmem_max": "4194304",
}


class Machine(unittest.TestCase):
    def test_a_host_is_described_by_what_it_says_and_silence_is_told(self):
        facts = dict(machine.facts(FILES.get, "2026-01-02", "abc1234"))
        self.assertEqual(facts["processor"], "Fast One")
        self.assertEqual(facts["memory"], "16.0 GiB")
        self.assertIn("SMT: two of them share a core", facts["cores"])
        self.assertEqual(facts["governor"], "not shown to this system")
        self.assertEqual(facts["congestion control"], "unknown")
        self.assertIn("net.core.rmem_max 4,194,304, net.core.wmem_max unknown", facts["sockets"])

    def test_faults_of_the_processor_are_summed_up(self):
        states = {"meltdown": "Not affected", "retbleed": "Mitigation: IBRS", "mds": "Vulnerable: no microcode"}
        self.assertEqual(machine.summary(states), "retbleed mitigated; mds open; 1 others do not apply")

    def test_a_kernels_version_is_without_its_distribution(self):
        self.assertEqual(machine.version("6.18.5-arch1-1"), "6.18.5")


class Needs(unittest.TestCase):
    def test_only_what_is_missing_is_told(self):
        self.assertEqual(what_is_missing((Need("a", lambda: None), Need("b", lambda: "get b"))), ["get b"])


class Reasons(unittest.TestCase):
    def test_a_reason_is_one_short_line_without_paths_of_the_host(self):
        self.assertEqual(for_the_page(f"a\n  {ROOT}/docs is gone"), "a docs is gone")
        self.assertEqual(len(for_the_page("x" * 1_000)), REASON_MAX + 1)

    def test_the_fault_of_a_traceback_is_its_last_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write("Traceback\n  File x\nValueError: no\n\n")
            log.flush()
            self.assertEqual(last_line(log.name), "ValueError: no")


class Records(unittest.TestCase):
    def test_a_record_is_read_as_it_was_written(self):
        with tempfile.TemporaryDirectory() as folder:
            written = Record("floor", MEASURED, "2026-01-02", "abc1234", seconds=1.5, data={"a": [1, 2]})
            record.write(folder, written)
            self.assertEqual(record.read(folder, "floor"), written)

    def test_what_is_no_record_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIsNone(record.read(folder, "floor"))
            for text in ("{", "[]", json.dumps({"part": "floor", "unknown": 1})):
                with open(os.path.join(folder, "floor.json"), "w") as file:
                    file.write(text)
                self.assertIsNone(record.read(folder, "floor"))
