"""The server's side of the relay: the server, the speakers beside it, and whatever competes for the line. Started by `ground`."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

ADDRESS = "10.99.0.1"
SERVER_PORT = 7400
# Open once everything runs: the relay waits for it before it lets the watchers in.
READY_PORT = 7490
BULK_PORT = 7491
METRICS = "http://127.0.0.1:7480/metrics"
# Of this namespace. A new one has what the host has, and may choose among what the host allows to everybody.
TCP_CONGESTION = "/proc/sys/net/ipv4/tcp_congestion_control"
PIECE = bytes(64 * 1024)


def die_with_parent() -> None:
    """Between fork and exec: whoever kills this process ends its children, too."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start(command: list[str]) -> subprocess.Popen:
    """In a group of its own: the relay tells only us to end, and we look at the server before it goes."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sys.stderr, preexec_fn=die_with_parent, start_new_session=True
    )


def await_port(port: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((ADDRESS, port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def listen(port: int) -> socket.socket:
    return socket.create_server((ADDRESS, port))


def pour(listener: socket.socket, congestion: str) -> None:
    """Sends to whoever connects, for as long as it takes."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())

    def flow(peer: socket.socket) -> None:
        try:
            while True:
                peer.sendall(PIECE)
        except OSError:
            peer.close()

    while True:
        peer, _ = listener.accept()
        threading.Thread(target=flow, args=(peer,), daemon=True).start()


def metrics() -> dict[str, float]:
    """The server's counters, summed over shards."""
    found: dict[str, float] = {}
    with urllib.request.urlopen(METRICS, timeout=2) as answer:
        for line in answer.read().decode().splitlines():
            if not line.startswith("#") and "_bucket" not in line:
                name, value = line.rsplit(" ", 1)
                name = name.replace('shard="0",', "").replace('{shard="0"}', "")
                found[name] = found.get(name, 0) + float(value)
    return {name: value for name, value in found.items() if value and any(word in name for word in ("quic", "deliver", "drop", "publications"))}


def main() -> None:
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    if spec["tcp_congestion"]:
        with open(TCP_CONGESTION, "w") as file:
            file.write(spec["tcp_congestion"])
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    server = start(spec["server"])
    children = [server]
    await_port(SERVER_PORT, 10)
    if spec["speakers"]:
        children.append(start(spec["speakers"]))
    threading.Thread(target=pour, args=(listen(BULK_PORT), spec["rival_congestion"]), daemon=True).start()
    ready = listen(READY_PORT)
    over.wait()
    ready.close()
    try:
        with open(spec["metrics"], "w") as file:
            json.dump(metrics() if server.poll() is None else {}, file)
    finally:
        for child in reversed(children):
            child.kill()
        # Daemon threads may hang in a socket that nobody reads any more.
        os._exit(0)


if __name__ == "__main__":
    main()
