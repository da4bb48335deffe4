"""One line for each promise: kept or broken, what was seen, how long it took; the evidence after it."""

import sys
import time
import unittest


class Lines(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test):
        self._line("kept", test, "; ".join(test.seen))

    def addFailure(self, test, fault):
        super().addFailure(test, fault)
        self._broken(test, self.failures[-1][1])

    def addError(self, test, fault):
        super().addError(test, fault)
        self._broken(test, self.errors[-1][1])

    def _broken(self, test, evidence):
        self._line("BROKEN", test, "")
        print(evidence, file=sys.stderr, flush=True)
        for process in test.processes:
            print(f"--- {process.log}, its last lines:\n{process.last_lines()}", file=sys.stderr, flush=True)

    def _line(self, verdict, test, seen):
        name = test.shortDescription() or test.id()
        print(f"{verdict:6}  {name} ({time.monotonic() - self.began:.0f} s): {seen}", flush=True)
