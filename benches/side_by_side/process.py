"""Processes on cores: the server on one, whoever drives it on the other. Everything started here is stopped here."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request


def free_port():
    """A port that nobody has now, for neither TCP nor UDP."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            stream.bind(("127.0.0.1", 0))
            try:
                datagrams.bind(stream.getsockname())
            except OSError:
                continue
            return stream.getsockname()[1]


def wait_for(condition, seconds, what):
    """Polls until the condition holds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError(f"{what} did not happen within {seconds} s")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Bench:
    """Where the binaries are and which cores they get."""

    def __init__(self, options):
        self.options = options
        self.started = []
        self.scratch = tempfile.mkdtemp(prefix="ringway-bench-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.started:
            stop(process)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def start(self, core, command, log):
        """A pinned process, its output in a file of the scratch directory."""
        with open(os.path.join(self.scratch, log), "wb") as output:
            process = subprocess.Popen(
                ["taskset", "-c", str(core), *command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self.started.append(process)
        return process

    def server(self, name, *arguments, shards=1, quic=False):
        """A Ringway of one shard unless told otherwise, ready to serve, in the clear and over TLS; over QUIC, if asked, at the port of the former."""
        return Server(self, name, arguments, shards, quic)

    def load(self, scenario, server, *arguments, tls=False):
        """Runs `ringway-load` on the client's core; its summary. A broken promise ends the run: what breaks one is not worth measuring."""
        out = os.path.join(self.scratch, "load.json")
        options = self.options
        path = "/echo" if scenario == "echo" else "/v1"
        command = [options.load, scenario, "--url", server.url(path, tls), "--json", out, "--quiet"]
        if tls:
            command.append("--insecure")
        command += ["--server-pid", str(server.pid), *map(str, arguments)]
        if os.path.exists(out):
            os.remove(out)
        done = subprocess.run(
            ["taskset", "-c", str(options.client_core), *command], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if not os.path.exists(out):
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        with open(out) as file:
            summary = json.load(file)
        if summary["failures"] and scenario != "slow-reader":
            raise RuntimeError("\n".join([" ".join(command), *summary["failures"]]))
        return summary

    def floor(self, bytes_, sockets, rounds, rounds_of_16):
        """CPU nanoseconds of one message by plain `send`, so many rounds a second over all sockets: (alone, 16 in one write)."""
        out = os.path.join(self.scratch, "floor.json")
        options = self.options
        subprocess.run(
            [options.bench, "floor", "--sends-only", "--alternations", "1", "--sample-ms", "2000",
             "--one-every-us", str(1_000_000 // rounds), "--sixteen-every-us", str(1_000_000 // rounds_of_16)]
            + ["--sockets", str(sockets), "--bytes", str(bytes_)] + ["--core", str(options.server_core), "--peer-core", str(options.client_core), "--json", out],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True,
        )
        with open(out) as file:
            rows = json.load(file)["tables"][0]["rows"]
        cells = {row["row"]: next(iter(row["cells"].values()))["median"] for row in rows}
        return cells["`send`"], cells["`send`, 16 in one write"]

    def hop(self):
        """Nanoseconds of a hop between two shards, the median of one round, by how they wait."""
        out = os.path.join(self.scratch, "hop.json")
        cores = f"{self.options.server_core},{self.options.client_core}"
        command = [self.options.bench, "hop", "--alternations", "1", "--cores", *cores.split(","), "--json", out]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        with open(out) as file:
            rows = json.load(file)["tables"][0]["rows"]
        return {row["row"]: row["cells"]["p50"]["median"] for row in rows}


def stop(process):
    """Asks, then insists."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """A running `ringway serve --dev`."""

    def __init__(self, bench, name, arguments, shards, quic):
        self.port, self.tls_port, self.http = free_port(), free_port(), free_port()
        options = bench.options
        state = os.path.join(bench.scratch, f"state-{name}")
        core = options.server_core
        cores = str(core) if shards == 1 else f"{core},{options.client_core}"
        command = [options.ringway, "serve", "--dev", "--shards", str(shards), "--cores", cores]
        command += ["--listen", f"127.0.0.1:{self.port}", "--http", f"127.0.0.1:{self.http}", "--state-dir", state]
        # No work limits: what is measured is the cost of work, not its refusal.
        command += ["--set", f"tls.listen=127.0.0.1:{self.tls_port}", "--set", "limits.work_per_s=100000000", "--set", "limits.work_burst=100000000"]
        if quic:
            command += ["--set", f"quic.listen=127.0.0.1:{self.port}"]
        command += ["--set", "drain.delay=0s", "--set", "drain.spread=0s", "--log", "warn", *arguments]
        self.process = bench.start(cores, command, f"{name}.log")
        self.pid = self.process.pid
        self.log = os.path.join(bench.scratch, f"{name}.log")
        try:
            wait_for(self.is_ready, 20, f"{name} being ready")
        except TimeoutError as error:
            with open(self.log) as file:
                raise RuntimeError(f"{error}: {' '.join(command)}\n{file.read()}") from error

    def url(self, path, tls):
        return f"wss://127.0.0.1:{self.tls_port}{path}" if tls else f"ws://127.0.0.1:{self.port}{path}"

    def is_ready(self):
        if self.process.poll() is not None:
            raise TimeoutError("the server ended")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def metric(self, name):
        """The sum of a metric over its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        values = [line.rsplit(" ", 1)[1] for line in lines if line.startswith((name + "{", name + " "))]
        return sum(map(float, values))

    def stop(self):
        stop(self.process)
