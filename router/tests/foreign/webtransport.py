"""aioquic, a QUIC and HTTP/3 that share no code with ours, as a WebTransport client of a running node in `--dev`:

    python webtransport.py HOST PORT [SHA-256 of the certificate in hex]

PORT is that of QUIC, the hash is what the node printed at its start; without it any certificate will do. Needs aioquic 1.7.2. Commands are golden
vectors, events are read by hand (docs/protocol.md, "The binary format"). Says what it saw, and ends with 0 if all of it was right."""

import asyncio
import hashlib
import ssl
import struct
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from aioquic.asyncio import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import Buffer
from aioquic.h3.connection import FrameType, H3Connection
from aioquic.h3.events import DataReceived, DatagramReceived, HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated
from cryptography.hazmat.primitives.serialization import Encoding

VECTORS = Path(__file__).resolve().parents[3] / "schema" / "vectors" / "commands"
# Longer than anything here takes on a busy machine; only a failure waits for it.
PATIENCE_S = 60
WELCOME, JOINED, MESSAGE = 65, 67, 80
RELIABLE, LATEST, UNRELIABLE = 0, 1, 2
CLOSE_CAPSULE, NO_ERROR, FRAME_TOO_LARGE = 0x2843, 0x100, 3504
# The bodies of the golden publications.
SAY_HELLO, CURSOR, NINES = b'{"say":"hello"}', b"[12,34]", b"\x09" * 12


def command(name):
    return (VECTORS / f"{name}.bin").read_bytes()


def events(data):
    """Whole frames, as (kind, lane, handle, body)."""
    while data:
        end = 4 + struct.unpack_from("<I", data)[0]
        assert end <= len(data), "only whole frames"
        frame, data = data[:end], data[end:]
        root = 4 + struct.unpack_from("<I", frame, 4)[0]
        vtable = root - struct.unpack_from("<i", frame, root)[0]
        fields = struct.unpack_from(f"<{struct.unpack_from('<H', frame, vtable)[0] // 2 - 2}H", frame, vtable + 4)
        head = root + fields[0]
        body = b""
        if len(fields) > 1 and fields[1]:
            at = root + fields[1] + struct.unpack_from("<I", frame, root + fields[1])[0]
            body = frame[at + 4 : at + 4 + struct.unpack_from("<I", frame, at)[0]]
        yield frame[head + 32], frame[head + 33], frame[head : head + 8], body


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.h3 = H3Connection(self._quic, enable_webtransport=True)
        self.session = self.control = None
        self.held, self.streams, self.capsules = b"", {}, b""
        self.answers, self.said, self.values, self.datagrams = (asyncio.Queue() for _ in range(4))
        self.ended = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated) and not self.ended.done():
            self.ended.set_result(event)
        for event in self.h3.handle_event(event):
            if isinstance(event, HeadersReceived):
                self.answers.put_nowait(dict(event.headers))
            elif isinstance(event, DataReceived) and event.stream_id == self.session:
                self.capsules += event.data
            elif isinstance(event, DatagramReceived):
                self.datagrams.put_nowait(event.data)
            elif isinstance(event, WebTransportStreamDataReceived) and event.stream_id == self.control:
                assert event.session_id == self.session
                self.held += event.data
                while len(self.held) >= 4 and len(self.held) >= (end := 4 + struct.unpack_from("<I", self.held)[0]):
                    self.said.put_nowait(self.held[:end])
                    self.held = self.held[end:]
            elif isinstance(event, WebTransportStreamDataReceived):
                assert event.session_id == self.session and event.stream_id % 4 == 3, "a stream that the server may not open"
                whole = self.streams.pop(event.stream_id, b"") + event.data
                if event.stream_ended:
                    self.values.put_nowait(whole)
                else:
                    self.streams[event.stream_id] = whole

    async def ask(self, path, origin="http://localhost:8000"):
        """Asks for a session: the headers of the answer."""
        self.session = self._quic.get_next_available_stream_id()
        pseudo = {":method": "CONNECT", ":protocol": "webtransport", ":scheme": "https", ":authority": "localhost", ":path": path}
        headers = {**pseudo, "origin": origin, "wt-available-protocols": '"ringway.v1.json", "ringway.v1.fb"'}
        self.h3.send_headers(self.session, [(name.encode(), value.encode()) for name, value in headers.items()])
        self.transmit()
        return await soon(self.answers.get())

    def say(self, data):
        """On the control stream, the first of the session."""
        if self.control is None:
            self.control = self.h3.create_webtransport_stream(self.session)
            # aioquic does not know streams of its own again when the peer answers on them.
            with self.h3._get_or_create_stream(self.control) as stream:
                stream.frame_type, stream.session_id = FrameType.WEBTRANSPORT_STREAM, self.session
        self._quic.send_stream_data(self.control, data)
        self.transmit()

    async def read(self, kind):
        """The next event of this kind on the control stream."""
        while True:
            [event] = events(await soon(self.said.get()))
            if event[0] == kind:
                return event


def soon(awaitable):
    return asyncio.wait_for(awaitable, PATIENCE_S)


@asynccontextmanager
async def client(host, port, sha256):
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=["h3"], server_name="localhost", max_datagram_frame_size=65536, verify_mode=ssl.CERT_NONE
    )
    async with connect(host, port, configuration=configuration, create_protocol=Client) as opened:
        der = opened._quic.tls._peer_certificate.public_bytes(Encoding.DER)
        assert sha256 in (None, hashlib.sha256(der).hexdigest()), "another certificate"
        yield opened


async def joined(ada):
    answer = await ada.ask("/v1")
    assert answer[b":status"] == b"200", answer
    assert answer.get(b"wt-protocol") == b'"ringway.v1.fb"', answer
    ada.say(command("hello"))
    await ada.read(WELCOME)
    ada.say(command("join"))
    return (await ada.read(JOINED))[2]


async def main(host, port, sha256=None):
    door = (host, int(port), sha256)

    async with client(*door) as ada, client(*door) as grace:
        handle = await joined(ada)
        assert await joined(grace) == handle
        # Cut anywhere: the second half comes later.
        publish = command("publish")
        grace.say(publish[:50])
        await asyncio.sleep(0.05)
        grace.say(publish[50:])
        for member in (ada, grace):
            assert await member.read(MESSAGE) == (MESSAGE, RELIABLE, handle, SAY_HELLO)
        print("a reliable message came on the control stream")
        grace.say(command("publish_latest"))
        for member in (ada, grace):
            assert list(events(await soon(member.values.get()))) == [(MESSAGE, LATEST, handle, CURSOR)]
        print("a value came on a unidirectional stream, and its end with it")
        grace.h3.send_datagram(grace.session, command("publish_unreliable"))
        grace.transmit()
        for member in (ada, grace):
            assert list(events(await soon(member.datagrams.get()))) == [(MESSAGE, UNRELIABLE, handle, NINES)]
        print("a datagram went up and came down")

        ada.say(b"\xff\xff\xff\x7f")
        end = await soon(ada.ended)
        assert (end.error_code, end.frame_type) == (NO_ERROR, None), end
        buffer = Buffer(data=ada.capsules)
        assert buffer.pull_uint_var() == CLOSE_CAPSULE and buffer.pull_uint_var() == len(ada.capsules) - buffer.tell()
        assert buffer.pull_uint32() == FRAME_TOO_LARGE, ada.capsules
        print("the server closed the session with its code")

        capsule = Buffer(capacity=64)
        capsule.push_uint_var(CLOSE_CAPSULE)
        capsule.push_uint_var(4)
        capsule.push_uint32(0)
        grace.h3.send_data(grace.session, capsule.data, end_stream=True)
        grace.transmit()
        assert (await soon(grace.ended)).error_code == NO_ERROR
        print("the client closed the session")

    for path, origin, status in (("/v2", "http://localhost:8000", b"404"), ("/v1", "https://elsewhere.example", b"403")):
        async with client(*door) as stranger:
            answer = await stranger.ask(path, origin)
            assert answer[b":status"] == status, answer
    print("another path and another origin were refused")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
