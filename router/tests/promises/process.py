"""A child process with its log, its signals, and patience."""

import signal
import subprocess
import time

# Longer than anything here takes on a busy machine; only a failure waits for it.
PATIENCE_S = 60


def until(what, condition, patience_s=PATIENCE_S, every_s=0.05):
    """Waits until the condition gives something true, and gives that.

    Raises `AssertionError` when it never does.
    """
    end = time.monotonic() + patience_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience_s} s: {what}")
        time.sleep(every_s)


class Process:
    """Started, ended and started again with the same words; all that it says goes to one log."""

    def __init__(self, words, log):
        self.words, self.log, self.child = words, log, None

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def send(self, number):
        self.child.send_signal(number)

    def wait(self):
        """Its exit code, once it has ended."""
        return self.child.wait(PATIENCE_S)

    def kill(self):
        """SIGKILL, and waits until it is gone. Nothing if it is not running."""
        if self.is_running():
            self.send(signal.SIGKILL)
            self.wait()

    def last_lines(self, count=5):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-count:])

    def said(self, text):
        """How many lines of its log hold this."""
        with open(self.log, errors="replace") as log:
            return sum(text in line for line in log)
