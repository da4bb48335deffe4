"""A few sessions that are members of very many rooms, over the JSON format and a WebSocket client of a few lines."""

import base64
import json
import os
import socket
import struct
import time
from statistics import median

ROOMS_PER_SESSION = 250
JOIN_MANY = 50
PUBLISHES = 500


class Guest:
    """One JSON session."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /v1 HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ringway.v1.json\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.pending:
            self.receive()
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(head.decode())
        self.ask({"type": "hello", "id": 1, "protocol": 1}, "welcome")

    def receive(self):
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise RuntimeError("the server closed the connection")
        self.pending += piece

    def send(self, frame):
        payload = json.dumps(frame).encode()
        length = len(payload)
        head = b"\x81" + (bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack(">H", length))
        # A mask of zeroes is a mask.
        self.socket.sendall(head + b"\0\0\0\0" + payload)

    def next(self):
        """The next frame of the server."""
        while True:
            message = self.take()
            if message is not None:
                return json.loads(message)
            self.receive()

    def take(self):
        data = self.pending
        if len(data) < 2:
            return None
        length, at = data[1] & 0x7F, 2
        if length == 126:
            if len(data) < 4:
                return None
            length, at = struct.unpack(">H", data[2:4])[0], 4
        elif length == 127:
            if len(data) < 10:
                return None
            length, at = struct.unpack(">Q", data[2:10])[0], 10
        if len(data) < at + length:
            return None
        self.pending = data[at + length:]
        return data[at:at + length]

    def ask(self, frame, answer):
        self.send(frame)
        while True:
            event = self.next()
            if event["type"] == "error":
                raise RuntimeError(event)
            if event["type"] == answer:
                return event


class Guests:
    """As many sessions as the rooms need."""

    def __init__(self, port, host="127.0.0.1"):
        self.port, self.host = port, host
        self.guests = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for guest in self.guests:
            guest.socket.close()

    def join(self, rooms, prefix=""):
        """Joins so many rooms, each with one member; seconds of one join, once the sessions are there."""
        took = 0.0
        names = [f"{prefix}r{os.getpid()}-{rooms}-{number}" for number in range(rooms)]
        for first in range(0, rooms, ROOMS_PER_SESSION):
            guest = Guest(self.port, self.host)
            self.guests.append(guest)
            wanted = names[first:first + ROOMS_PER_SESSION]
            from_ = time.perf_counter()
            for batch in (wanted[at:at + JOIN_MANY] for at in range(0, len(wanted), JOIN_MANY)):
                guest.send({"type": "join_many", "id": 2, "rooms": [{"room": name} for name in batch]})
                joined = 0
                while joined < len(batch):
                    event = guest.next()
                    if event["type"] == "error":
                        raise RuntimeError(event)
                    joined += event["type"] == "joined"
            took += time.perf_counter() - from_
        self.last = names[-1]
        return took / rooms

    def publish_us(self):
        """Median round trip of a publish in one of the rooms."""
        guest, trips = self.guests[-1], []
        for number in range(PUBLISHES):
            from_ = time.perf_counter()
            guest.ask({"type": "publish", "id": number + 10, "room": self.last, "text": "x" * 64}, "published")
            trips.append((time.perf_counter() - from_) * 1e6)
        return median(trips)
