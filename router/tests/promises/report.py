"""One line for each promise: kept or broken, what was seen, how long it took; the evidence after it."""

import sys
import time
import unittest


class Lines(unittest.TestResult):
    def take(self, test, seen):
        """The outcome of a promise that was tried, perhaps several times."""
        self.testsRun += 1
        if seen.wasSuccessful():
            return self._line("kept", test, "; ".join(test.seen))
        self.failures.extend(seen.failures)
        self.errors.extend(seen.errors)
        self._broken(test, (seen.failures + seen.errors)[0][1])

    def _broken(self, test, evidence):
        self._line("BROKEN", test, "")
        print(evidence, file=sys.stderr, flush=True)
        for process in test.processes:
            print(f"--- {process.log}, its last lines:\n{process.last_lines()}", file=sys.stderr, flush=True)

    def _line(self, verdict, test, seen):
        name = test.shortDescription() or test.id()
        print(f"{verdict:6}  {name} ({time.monotonic() - test.began:.0f} s): {seen}", flush=True)
