"""Whether the host let anybody run: a thread that sleeps a little, and looks for how long it slept."""

import os
import threading
import time

EVERY_S = 0.01
# A lease outlasts an election, and not much more.
LATE_MAX_S = 0.2
# Tasks that want to run, by core.
LOAD_MAX = 2


class Pulse:
    """`with` it watches for as long as the block runs."""

    def __init__(self):
        self.latest, self.load, self.over = 0.0, 0.0, threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def is_starved(self):
        return self.latest > LATE_MAX_S or self.load > LOAD_MAX * os.cpu_count()

    def __str__(self):
        return f"the host was {self.latest * 1e3:.0f} ms late, with {self.load:.1f} tasks for {os.cpu_count()} cores"

    def _beat(self):
        while not self.over.is_set():
            began = time.monotonic()
            time.sleep(EVERY_S)
            self.latest = max(self.latest, time.monotonic() - began - EVERY_S)
            self.load = max(self.load, os.getloadavg()[0])
