"""The load: `ringway-load failover`, whose clients check everything that they are told, and the harm that is done to the nodes under it."""

import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import traceback

DISTURB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "disturb.py")
# Beyond what was asked to last: connecting, settling, a host that is busy.
SLACK_S = 120


class Load:
    """A run of the load generator against some nodes, in one namespace of rooms. `with` it ends with the block, if it did not before."""

    def __init__(self, binaries, directory, nodes, rooms_of, duration_s, *more, clients=60, rooms=20, rate=10):
        self.out, self.duration_s = os.path.join(directory, f"load-{rooms_of}.json"), duration_s
        self.said = os.path.join(directory, f"load-{rooms_of}.log")
        self.words = [os.path.join(binaries, "ringway-load"), "failover", "--url", ",".join(node.url for node in nodes), "--namespace", rooms_of]
        self.words += ["--clients", str(clients), "--rooms", str(rooms), "--rate", str(rate), "--warmup", "1s", "--duration", f"{duration_s}s"]
        self.words += ["--json", self.out, "--quiet", *more]
        self.harm = self.child = None

    def disturbed(self, event, every_s):
        """The same, with an event at the start of each round: a function of the round's number."""
        self.harm = Harm(self.out + ".sock", event)
        self.words += ["--disturb", shlex.join([sys.executable, DISTURB, self.harm.path]), "--every", f"{every_s}s"]
        return self

    def __enter__(self):
        with open(self.said, "wb") as said:
            self.child = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        if self.harm:
            self.harm.close()

    def figures(self):
        """Waits for its end; what it measured.

        Raises `AssertionError` with its evidence when a promise was broken, the harm could not be done, or the run did not take place.
        """
        code = self.child.wait(self.duration_s + SLACK_S)
        if self.harm and self.harm.fault:
            raise AssertionError(f"the event itself failed:\n{self.harm.fault}")
        with open(self.said, errors="replace") as said:
            evidence = said.read()
        if code not in (0, 1):
            raise AssertionError(f"the load generator could not run: exit {code}\n{evidence}")
        with open(self.out) as out:
            figures = json.load(out)
        if code or figures["failures"]:
            raise AssertionError(f"broken: {figures['failures']}\n{evidence}")
        return figures


class Harm:
    """A socket on which the load generator says that a round begins; the event is done in a thread of ours, whose children the nodes are."""

    def __init__(self, path, event):
        self.path, self.event, self.fault = path, event, None
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        # Wakes the thread out of `accept`.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()

    def _serve(self):
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            with caller, caller.makefile("rw") as words:
                number = int(words.readline())
                try:
                    self.event(number)
                    words.write("done\n")
                except Exception as fault:
                    self.fault = self.fault or traceback.format_exc()
                    words.write(f"{fault!r}\n")
