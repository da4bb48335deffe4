"""Where parts run: the binaries, the cores, the folder of what they found, and a log for each."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Of a reason that goes onto the page.
REASON_MAX = 300


class Failed(Exception):
    """A part could not be measured; the text says why."""


class LeftOut(Failed):
    """There is nothing to measure here; the text says what would have to be there."""


@dataclass
class Ground:
    folder: str
    binaries: str
    quick: bool
    server_core: int = 0
    client_core: int = 1
    uws_echo: str | None = None
    uws_load: str | None = None
    compare: tuple[str, ...] = ()

    def binary(self, name: str) -> str:
        return os.path.join(self.binaries, name)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def log(self, part: str) -> str:
        return self.path(f"{part}.log")

    def fresh(self, name: str) -> str:
        """A file's path, with nothing there of an earlier run."""
        path = self.path(name)
        if os.path.exists(path):
            os.remove(path)
        return path

    def run(self, part: str, *command: object, may_fail: bool = False) -> None:
        """Runs a command to its end; what it says goes to the part's log. Its own group, so that whoever ends us ends all that it started."""
        words = [str(word) for word in command]
        log = self.log(part)
        with open(log, "ab") as output:
            output.write(f"\n$ {' '.join(words)}\n".encode())
            output.flush()
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=self.environment()
            )
            try:
                code = process.wait()
            except BaseException:
                end(process)
                raise
        if code and not may_fail:
            raise Failed(f"`{' '.join([os.path.basename(words[0]), *words[1:3]])} …` ended with {code}: {last_line(log)}")

    def environment(self) -> dict[str, str]:
        """What is found by its name is what is measured."""
        return os.environ | {"PATH": f"{self.binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}

    def start(self, part: str, *command: object) -> subprocess.Popen:
        """Starts a server; its output goes to a file of its own, which is returned as `process.log`."""
        log = self.path(f"{part}.server.log")
        with open(log, "wb") as output:
            return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)


def end(process: subprocess.Popen) -> None:
    """Asks a command and all that it started to end, then insists."""
    for number, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if process.poll() is not None:
                return
            time.sleep(0.05)


def last_line(log: str) -> str:
    """What a program said last: of a traceback, the fault itself. The log has the rest."""
    with open(log, errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1] if lines else "it said nothing"


def for_the_page(reason: str) -> str:
    """One line, not too long, and without where this host keeps things."""
    line = " ".join(reason.split()).replace(f"{ROOT}/", "").replace(f"{os.path.expanduser('~')}/", "~/")
    return line if len(line) <= REASON_MAX else f"{line[:REASON_MAX]}…"


def load(path: str, what: str, log: str | None = None) -> Any:
    """What a program wrote. Raises Failed, with what it said last if it has a log."""
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        said = f"; it said: {last_line(log)}" if log else ""
        raise Failed(f"{what} wrote no result ({type(error).__name__}){said}") from error
