"""A client of `ringway/1` on aioquic: frames on the control stream, on streams of the server, in datagrams."""

import asyncio
from contextlib import asynccontextmanager

from aioquic.asyncio import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, DatagramFrameReceived, StreamDataReceived

from wire import Reader, command

# Longer than anything here takes on a busy machine; only a failure waits for it.
PATIENCE_S = 60
ALPN = "ringway/1"


def configuration(node, **more):
    made = QuicConfiguration(is_client=True, alpn_protocols=[ALPN], server_name="localhost", max_datagram_frame_size=65536)
    made.load_verify_locations(str(node.certificate))
    for name, value in more.items():
        setattr(made, name, value)
    return made


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.control = None
        # What came, by the way that it took; of a stream of the server all of it, once it has ended.
        self.events, self.values, self.datagrams = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        self.ended = asyncio.get_running_loop().create_future()
        self.reader, self.streams = Reader(), {}

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived) and event.stream_id == self.control:
            for frame in self.reader.events(event.data):
                self.events.put_nowait(frame)
        elif isinstance(event, StreamDataReceived):
            whole = self.streams.pop(event.stream_id, b"") + event.data
            if event.end_stream:
                self.values.put_nowait(list(Reader().events(whole)))
            else:
                self.streams[event.stream_id] = whole
        elif isinstance(event, DatagramFrameReceived):
            self.datagrams.put_nowait(list(Reader().events(event.data)))
        elif isinstance(event, ConnectionTerminated) and not self.ended.done():
            self.ended.set_result(event)

    def say(self, *names):
        """Sends golden commands on the control stream, which is the first."""
        if self.control is None:
            self.control = self._quic.get_next_available_stream_id()
        self._quic.send_stream_data(self.control, b"".join(map(command, names)))
        self.transmit()

    async def read(self, kind):
        """The next event of this kind on the control stream."""
        while True:
            event = await asyncio.wait_for(self.events.get(), PATIENCE_S)
            if event.kind == kind:
                return event

    async def value(self):
        """The frames of the next stream of the server that has ended."""
        return await asyncio.wait_for(self.values.get(), PATIENCE_S)

    async def datagram(self):
        """The frames of the next datagram."""
        return await asyncio.wait_for(self.datagrams.get(), PATIENCE_S)

    async def end(self):
        """How the connection ended."""
        return await asyncio.wait_for(self.ended, PATIENCE_S)


@asynccontextmanager
async def client(node, **more):
    """A connection whose handshake is complete; one that never completes fails with aioquic's idle timeout, a minute."""
    opening = connect("127.0.0.1", node.port, configuration=configuration(node, **more), create_protocol=Client)
    async with opening as opened:
        yield opened
