"""aioquic, a QUIC that shares no code with ours, as a client of `ringway/1`."""

import asyncio
import logging
import socket
import ssl
import time
import unittest

from aioquic.asyncio import connect
from aioquic.quic.connection import QuicConnection

import wire
from client import Client, client, configuration
from node import Node
from wire import command

# What it logs of connections that are meant to fail.
logging.getLogger("quic").setLevel(logging.CRITICAL)
# Transport and TLS errors (RFC 9000 §20.1; alerts of RFC 8446 §6 are above 0x100).
FLOW_CONTROL_ERROR, STREAM_LIMIT_ERROR, NO_APPLICATION_PROTOCOL = 0x03, 0x04, 0x178
# The golden publications, in words.
SAY_HELLO, LINES, CURSOR, NINES = b'{"say":"hello"}', 'line one\nline "two" 😀'.encode(), b"[12,34]", b"\x09" * 12


class Quic(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()

    async def joined(self, client):
        client.say("hello")
        welcome = await client.read(wire.WELCOME)
        client.say("join")
        joined = await client.read(wire.JOINED)
        self.assertEqual((joined.id, joined.room), (3, b"chat:lobby"))
        self.assertEqual(joined.time, 0)
        return welcome, joined

    async def test_a_certificate_is_verified_and_a_publication_comes_back(self):
        async with client(self.node) as ada:
            self.assertEqual(ada._quic.tls.alpn_negotiated, "ringway/1")
            # Two heartbeats and ten seconds.
            self.assertEqual(ada._quic._remote_max_idle_timeout, 60)
            welcome, joined = await self.joined(ada)
            self.assertEqual(welcome.id, 1)
            self.assertNotEqual(joined.handle, 0)
            for round in range(1, 51):
                ada.say("publish", "publish_text")
                for body in (SAY_HELLO, LINES):
                    message = await ada.read(wire.MESSAGE)
                    self.assertEqual((message.body, message.lane), (body, wire.RELIABLE))
                    self.assertEqual((message.handle, message.session), (joined.handle, welcome.session))
                self.assertEqual(message.place, joined.place + 2 * round)

    async def test_a_certificate_of_nobody_is_refused(self):
        with self.assertRaises(ConnectionError):
            async with client(self.node, cafile=None, verify_mode=ssl.CERT_REQUIRED, cadata=None):
                pass

    async def test_values_come_on_streams_and_what_may_be_lost_in_datagrams(self):
        async with client(self.node) as ada, client(self.node) as grace:
            _, joined = await self.joined(ada)
            await self.joined(grace)
            grace.say("publish_latest")
            for member in (ada, grace):
                [message] = await member.value()
                self.assertEqual((message.lane, message.key, message.body), (wire.LATEST, b"cursor", CURSOR))
                self.assertEqual(message.handle, joined.handle)
            # In a datagram, out in a datagram.
            grace._quic.send_datagram_frame(command("publish_unreliable"))
            grace.transmit()
            for member in (ada, grace):
                [message] = await member.datagram()
                self.assertEqual((message.lane, message.body), (wire.UNRELIABLE, NINES))

    async def test_a_client_without_datagrams_gets_them_on_streams(self):
        async with client(self.node, max_datagram_frame_size=None) as ada:
            await self.joined(ada)
            ada.say("publish_unreliable")
            [message] = await ada.value()
            self.assertEqual(message.body, NINES)

    async def test_the_operator_s_close_comes_as_a_frame_and_as_the_connection_s_code(self):
        async with client(self.node) as ada:
            welcome, _ = await self.joined(ada)
            answer = self.node.api("disconnect", {"user": welcome.user.decode(), "code": 4001, "reason": "banned"})
            self.assertEqual(answer, {"disconnected": 1})
            self.assertEqual((await ada.read(wire.CLOSING)).code, 4001)
            end = await ada.end()
            # No frame type: it is the application that closed.
            self.assertEqual((end.error_code, end.frame_type, end.reason_phrase), (4001, None, "banned"))

    async def test_keys_and_connection_ids_may_change_in_mid_conversation(self):
        async with client(self.node) as ada:
            await self.joined(ada)
            for change in (ada.request_key_update, ada.change_connection_id) * 3:
                change()
                ada.say("publish")
                self.assertEqual((await ada.read(wire.MESSAGE)).body, SAY_HELLO)

    async def test_another_protocol_is_refused_by_tls(self):
        opening = connect("127.0.0.1", self.node.port, create_protocol=Client, wait_connected=False,
                          configuration=configuration(self.node, alpn_protocols=["ringway/0"]))
        async with opening as ada:
            ada.transmit()
            self.assertEqual((await ada.end()).error_code, NO_APPLICATION_PROTOCOL)

    async def test_a_client_of_another_version_is_led_to_version_1(self):
        versions = [0x1A2A3A4A, 1]
        async with client(self.node, original_version=versions[0], supported_versions=versions) as ada:
            self.assertEqual(ada._quic._version, 1)
            await self.joined(ada)

    async def test_more_streams_than_allowed_end_the_connection(self):
        async with client(self.node) as ada:
            await self.joined(ada)
            # As if the server had allowed them.
            ada._quic._remote_max_streams_uni = 1_000
            for _ in range(20):
                ada._quic.send_stream_data(ada._quic.get_next_available_stream_id(is_unidirectional=True), b"0")
            ada.transmit()
            self.assertEqual((await ada.end()).error_code, STREAM_LIMIT_ERROR)

    async def test_more_bytes_than_allowed_end_the_connection(self):
        async with client(self.node) as ada:
            await self.joined(ada)
            # It claims to have sent a gibibyte before it gave up.
            ada._quic._streams[ada.control].sender.highest_offset = 1 << 30
            ada._quic.reset_stream(ada.control, 0)
            ada.transmit()
            self.assertEqual((await ada.end()).error_code, FLOW_CONTROL_ERROR)

    async def test_under_a_flood_a_client_shows_that_it_can_be_reached(self):
        before = self.node.metric("ringway_quic_retries_total")
        # A busy host may take longer to knock and to connect than an unanswered handshake lasts; then once more.
        for _ in range(10):
            await asyncio.to_thread(knock, self.node, 200)
            async with client(self.node) as ada:
                retries = ada._quic._retry_count
                await self.joined(ada)
            if retries:
                break
        self.assertEqual(retries, 1)
        self.assertGreater(self.node.metric("ringway_quic_retries_total"), before)


def knock(node, times):
    """Begins so many connections at once, each from a port of its own, and never answers."""
    first = []
    for _ in range(times):
        quic = QuicConnection(configuration=configuration(node))
        quic.connect(("127.0.0.1", node.port), now=time.time())
        first += quic.datagrams_to_send(now=time.time())
    for datagram, to in first:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(datagram, to)


if __name__ == "__main__":
    unittest.main()
