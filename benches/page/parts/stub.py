"""A running `ringway-bench stub`, and the load generator against it."""

import re
import time
from typing import Any

from ...side_by_side.process import stop
from ..ground import Failed, Ground, load

LISTENING = re.compile(r"listening on (\S+:\d+), pid (\d+)")
PATIENCE_S = 10


class Stub:
    """On the server's core from enter to exit; then its truth can be read."""

    def __init__(self, ground: Ground, part: str, *flags: object) -> None:
        self.ground, self.part = ground, part
        self.log = ground.fresh(f"{part}.truth.json")
        self.flags = flags

    def __enter__(self) -> "Stub":
        command = [self.ground.binary("ringway-bench"), "stub", "--core", self.ground.server_core, "--log", self.log, *self.flags]
        self.process = self.ground.start(self.part, *command)
        until = time.monotonic() + PATIENCE_S
        while (found := LISTENING.search(self.said())) is None:
            if self.process.poll() is not None or time.monotonic() > until:
                stop(self.process)
                raise Failed(f"the stub did not begin: {self.said()}")
            time.sleep(0.02)
        self.address, self.pid = found[1], int(found[2])
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.process)

    def said(self) -> str:
        with open(self.ground.path(f"{self.part}.server.log"), errors="replace") as file:
            return file.read()

    def load(self, scenario: str, *flags: object) -> dict[str, Any]:
        """The load generator's summary of one run on the client's core."""
        ground, out = self.ground, self.ground.fresh(f"{self.part}.summary.json")
        path = "/echo" if scenario == "echo" else "/v1"
        command = [ground.binary("ringway-load"), scenario, "--url", f"ws://{self.address}{path}", "--server-pid", self.pid]
        ground.run(self.part, *command, "--client-core", ground.client_core, "--quiet", "--json", out, *flags, may_fail=True)
        summary = load(out, "`ringway-load`", ground.log(self.part))
        if summary["failures"]:
            raise Failed("; ".join(summary["failures"]))
        return summary

    def truth(self) -> dict[str, Any]:
        """What it wrote at its end."""
        return load(self.log, "the stub")
