"""Echo against uWebSockets' own epoll server, both driven by uWebSockets' own load_test."""

import re
import subprocess
import time

from .figures import Row, show
from .process import free_port, listens, wait_for

CONNECTIONS = (100, 500)
BYTES = 512
# load_test prints a rate every four seconds; the first one holds the connecting.
REPORTS = 3


class Echo:
    name = "echo"

    def __init__(self, bench):
        options = bench.options
        self.bench = bench
        self.ports = {}
        if options.uws_echo and options.uws_load:
            port = free_port()
            bench.start(options.server_core, [options.uws_echo, str(port)], "uws.log")
            wait_for(lambda: listens(port), 10, "uWebSockets listening")
            self.ports["uws"] = port
        self.servers = {f"ringway {flush}": bench.server(f"echo-{flush}", "--set", f"node.flush={flush}") for flush in ("send", "ring")}
        self.ports |= {name: server.port for name, server in self.servers.items()}

    def alternation(self, figures):
        for connections in CONNECTIONS:
            for name, port in self.ports.items():
                if self.bench.options.uws_load:
                    figures.record(f"{name} {connections}", self.rate(port, connections))
                elif name in self.servers:
                    load = self.bench.load("echo", self.servers[name], "--connections", connections, "--size", BYTES, "--duration", "4s")
                    figures.record(f"{name} {connections}", load["messages_per_s"])

    def rate(self, port, connections):
        """Messages a second: the last report of load_test."""
        command = ["stdbuf", "-oL", self.bench.options.uws_load, str(connections), "127.0.0.1", str(port), "0", "0", str(BYTES)]
        process = self.bench.start(self.bench.options.client_core, command, "load_test.log")
        log = f"{self.bench.scratch}/load_test.log"

        def reports():
            with open(log, errors="replace") as file:
                rates = re.findall(r"Msg/sec: ([0-9.]+)", file.read())
            return rates if len(rates) >= REPORTS else None

        try:
            return float(wait_for(reports, 60, "load_test reporting")[-1])
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
            time.sleep(0.2)

    def rows(self, figures):
        for connections in CONNECTIONS:
            for flush in ("send", "ring"):
                name = f"ringway {flush} {connections}"
                ratio = figures.ratio(name, f"uws {connections}")
                yield Row(
                    f"echo, {BYTES} B, {connections} connections, flush by {flush}",
                    show(figures.get(name), "/s"),
                    "uWebSockets, epoll: " + show(figures.get(f"uws {connections}"), "/s"),
                    show(ratio), "≥ 1.0", ratio, 1.0, at_least=True,
                )
