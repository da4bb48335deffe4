"""How many publications a second one link carries: by itself with a core at each end, and between nodes whose clients publish them."""

import json
import os
import subprocess

from ..side_by_side.figures import Row, show
from .field import cpu_ns, metric

BODY, BURST = 200, 64
PUBLISHERS = 3
# Publications a second that are asked for, each more than the one before, until one is too much: publications come as gaps, or not in time.
ASKED_K = (25, 50, 75, 100, 150, 200, 300, 400)
IN_TIME = 0.95
OF_A_CORE = 300_000


class Links:
    name = "links"

    def __init__(self, field):
        self.field = field
        self.seconds = 1 if field.quick else 4

    def alternation(self, figures):
        for what, value in self.alone().items():
            figures.record(f"alone {what}", value)
        for what, value in self.best().items():
            figures.record(what, value)

    def alone(self):
        """One link over loopback, no rooms, no clients."""
        options = self.field.options
        words = [os.path.join(options.binaries, "ringway-bench"), "link", "--body", str(BODY), "--batch", str(BURST)]
        words += ["--cores", str(options.server_core), str(options.client_core), "--measure-ms", str(self.seconds * 500)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"link: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def best(self):
        """The run with most publications that all came in time, and that cost nobody a gap."""
        runs, fault = [], None
        for asked_k in ASKED_K[:2] if self.field.quick else ASKED_K:
            try:
                runs.append(self.tried(asked_k * 1_000))
            except RuntimeError as why:
                fault = why
                break
        if not runs:
            raise fault
        return max(runs, key=lambda run: run["rate"])

    def tried(self, rate):
        """Twice at most: once may be the host's fault."""
        try:
            return self.run(rate)
        except RuntimeError as why:
            print(f"{self.name}: {why}", flush=True)
            return self.run(rate)

    def run(self, rate):
        """All publishers on the owner, one subscriber on the other node."""
        field, rooms = self.field, self.field.rooms(1)
        load = ("--subscribers", 1, "--publishers", PUBLISHERS, "--rate", rate / PUBLISHERS, "--burst", BURST, "--body", BODY, "--no-ack", "--settle", "20s")

        def publications():
            return metric(field.owner, "ringway_namespace_publications_total", namespace=rooms)

        before = publications(), cpu_ns(field.owner), cpu_ns(field.other)
        summary = field.load("fanout", (field.other, *[field.owner] * PUBLISHERS), rooms, *load, "--duration", f"{self.seconds}s")
        after = publications(), cpu_ns(field.owner), cpu_ns(field.other)
        came = summary["deliveries_per_s"]
        if summary["told_gaps"] or summary["unsent"] or came < IN_TIME * rate:
            raise RuntimeError(f"of {rate:,} /s {came:,.0f} /s came in time, {summary['told_gaps']:,} were told as gaps, {summary['unsent']:,} were not sent")
        count, sender, receiver = (now - was for now, was in zip(after, before))
        return {"rate": came, "sender ns": sender / count, "receiver ns": receiver / count}

    @staticmethod
    def rows(figures):
        get = figures.get
        rates = get("alone per_s")
        beside = f"CPU for one: sender {show(get('alone sender_ns'), 'ns')}, receiver {show(get('alone receiver_ns'), 'ns')}"
        what = f"publications/s over one link by itself, {BODY} B, {BURST} at once, a core at each end"
        yield Row(what, show(rates, "/s"), beside, "–", f"≥ {OF_A_CORE:,}", rates, OF_A_CORE, at_least=True)
        of_a_core = [1e9 / ns for ns in get("sender ns")]
        beside = f"reached with all on two cores: {show(get('rate'), '/s')}"
        each = f"CPU for one: sender {show(get('sender ns'), 'ns')}, receiver {show(get('receiver ns'), 'ns')}"
        what = f"publications/s over one link, {BODY} B, {BURST} at once, with their publishers' connections and the rooms: what the sending node's CPU comes to on one core"
        yield Row(what, show(of_a_core, "/s"), f"{beside}; {each}", "–", "–", of_a_core, None)
