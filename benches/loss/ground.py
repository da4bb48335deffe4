"""Where cells are measured: each in a network of its own, some of them at a time."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .beside import ADDRESS, READY_PORT, SERVER_PORT
from .cell import Cell, Found

CONFIGURATION = """
[node]
state_dir = ""
shards = 1
[clients]
listen = "{address}:{port}"
anonymous = true
[tls]
certificate_file = "{scratch}/relay.pem"
key_file = "{scratch}/relay.key"
[quic]
listen = "{address}:{port}"
[limits]
# What is measured is the network, not the refusal of work.
work_per_s = 100000000
work_burst = 100000000
[namespaces.default]
join = "anyone"
publish = "anyone"
"""
# What a cell takes besides measuring: starting, ending, and the settling of whoever watches.
OVERHEAD_S = 1.5
# How much longer than expected a cell may take before it counts as hanging.
PATIENCE_S = 60
TRIES = 2


class Ground:
    """Binaries, a certificate, and the relays that run now."""

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self.scratch = tempfile.mkdtemp(prefix="ringway-loss-")
        self.relays: set[subprocess.Popen] = set()
        self.lock = threading.Lock()
        self.found: dict[Cell, Found] = {}

    def __enter__(self) -> "Ground":
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "13", "-subj", "/CN=relay",
             "-addext", f"subjectAltName=IP:{ADDRESS}", "-keyout", self.path("relay.key"), "-out", self.path("relay.pem")],
            check=True, capture_output=True,
        )
        with open(self.path("relay.toml"), "w") as file:
            file.write(CONFIGURATION.format(address=ADDRESS, port=SERVER_PORT, scratch=self.scratch))
        return self

    def __exit__(self, *_: object) -> None:
        with self.lock:
            relays = list(self.relays)
        for relay in relays:
            relay.send_signal(signal.SIGTERM)
        for relay in relays:
            relay.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def path(self, name: str) -> str:
        return os.path.join(self.scratch, name)

    def takes_s(self, batches: Iterable[list[Cell]]) -> float:
        """About how long they will take."""
        waves = (wave for batch in batches for wave in self.waves([cell for cell in batch if cell not in self.found]))
        return sum(max(cell.warmup_s + cell.seconds for cell in wave) + OVERHEAD_S for wave in waves)

    def waves(self, batch: list[Cell]) -> list[list[Cell]]:
        return [batch[at:at + self.options.jobs] for at in range(0, len(batch), self.options.jobs)]

    def measure(self, batch: list[Cell], tell: Callable[[Found], None]) -> None:
        """Measures cells that are compared with each other side by side, as far as the jobs go; each cell once in all."""
        for wave in self.waves([cell for cell in batch if cell not in self.found]):
            with ThreadPoolExecutor(len(wave)) as pool:
                for found in pool.map(self.one, wave):
                    self.found[found.cell] = found
                    tell(found)

    def one(self, cell: Cell) -> Found:
        """Measures a cell. The kernel frees what the cell before held a little later: what could not begin is tried again."""
        for _ in range(TRIES - 1):
            found = self.attempt(cell)
            if found.has_ages() or found.flows:
                return found
        return self.attempt(cell)

    def attempt(self, cell: Cell) -> Found:
        found = Found(cell)
        name = cell.name()
        files = {kind: self.path(f"{name}.{kind}.json") for kind in ("spec", "game", "relay", "metrics", "flows")}
        for path in files.values():
            if os.path.exists(path):
                os.remove(path)
        with open(files["spec"], "w") as file:
            json.dump(self.spec(cell, files), file)
        command = [self.options.load, "relay", *cell.line.flags(), "--seed", str(self.options.seed), "--json", files["relay"]]
        command += ["--server", f"exec {sys.executable} -m benches.loss.beside {files['spec']}", "--ready", f"tcp:{READY_PORT}", "--"]
        command += [sys.executable, "-m", "benches.loss.rivals", files["spec"]] if cell.rivals else self.watchers(cell, files["game"])
        log = self.path(f"{name}.log")
        with open(log, "wb") as output:
            relay = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        with self.lock:
            self.relays.add(relay)
        try:
            code = relay.wait(cell.warmup_s + cell.seconds + PATIENCE_S)
        except subprocess.TimeoutExpired:
            relay.send_signal(signal.SIGTERM)
            code = relay.wait()
            found.faults.append("it did not end")
        with self.lock:
            self.relays.discard(relay)
        for kind in ("game", "relay", "metrics", "flows"):
            setattr(found, kind, load(files[kind]))
        found.faults += found.game.get("failures", [])
        if code and not found.faults:
            with open(log, errors="replace") as file:
                found.faults.append(f"exit {code}: {' '.join(command)}\n{file.read()}")
        return found

    def spec(self, cell: Cell, files: dict[str, str]) -> dict[str, Any]:
        """What the two sides have to know."""
        server = [self.options.ringway, "serve", "-c", self.path("relay.toml"), "--log", "error", "--set", f"quic.congestion={cell.congestion}"]
        # Over QUIC whatever the watchers use: it is the way down that is compared.
        speakers = self.game(cell, "quic", "--players", cell.speakers, "--duration", "3600s")
        return {
            "server": server,
            "speakers": None if cell.alone else speakers,
            "watchers": None if cell.alone else self.watchers(cell, files["game"]),
            "tcp_congestion": self.options.tcp_congestion,
            "rivals": cell.rivals,
            "rival_congestion": self.options.rival_congestion,
            "warmup_s": cell.warmup_s,
            "seconds": cell.seconds,
            "metrics": files["metrics"],
            "flows": files["flows"],
        }

    def watchers(self, cell: Cell, out: str) -> list[str]:
        flags = ["--players", cell.watchers, "--speakers", 0, "--warmup", f"{cell.warmup_s}s", "--duration", f"{cell.seconds}s", "--json", out]
        return self.game(cell, cell.way.transport, *flags)

    def game(self, cell: Cell, transport: str, *flags: object) -> list[str]:
        url = {"quic": f"quic://{ADDRESS}:{SERVER_PORT}", "ws": f"wss://{ADDRESS}:{SERVER_PORT}/v1", "wt": f"https://{ADDRESS}:{SERVER_PORT}/v1"}
        command = [self.options.load, "game", "--url", url[transport], "--insecure", "--quiet", "--lane", cell.way.lane, "--event-rate", "0"]
        return command + ["--body", str(cell.body), "--tick-rate", str(cell.tick_hz), *map(str, flags)]


def load(path: str) -> dict[str, Any]:
    """What was written there; nothing where nothing was."""
    try:
        with open(path) as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return {}


def stamp(began: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    return f"{minutes:2}:{seconds:02}"
