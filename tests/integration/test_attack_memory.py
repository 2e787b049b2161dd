"""Small requests that must not take memory out of proportion to the limit that counts them."""

import itertools
import struct
import unittest

from support import Broker, RawClient, packet, text

ALONE = True  # tests/integration/run
MIB = 1 << 20


def subscribe_all(client, filters, properties=b"", qos=0):
    body = struct.pack("!H", 1) + bytes([len(properties)]) + properties
    client.send(packet(0x82, body + b"".join(text(topic_filter) + bytes([qos]) for topic_filter in filters)))
    header, answer = client.read_packet()
    assert header == 0x90, header
    return answer[3:]


def publish_all(client, topics, qos=0, retain=0):
    for first in range(0, len(topics), 100):
        part = topics[first : first + 100]
        for at, topic in enumerate(part):
            packet_id = struct.pack("!H", at + 1) if qos else b""
            client.send(packet(0x30 | qos << 1 | retain, text(topic) + packet_id + b"\0x"))
        for _ in part if qos else ():
            client.read_packet()
    client.send(b"\xc0\0")
    assert client.read_packet()[0] == 0xD0


class Memory(unittest.TestCase):
    def test_identifiers_count_against_the_queue(self):
        """A waiting message carries the identifiers of all subscriptions that it matched; they are memory too."""
        with Broker("--set", "limits.max_queued_bytes=1MiB") as broker:
            with RawClient(broker.port) as reader, RawClient(broker.port) as writer:
                reader.connect("reader", clean=False, properties=b"\x11\xff\xff\xff\xff")
                for number, levels in enumerate(itertools.product("a+", repeat=11)):
                    identifier = bytes([0x0B, 0x80 | number & 0x7F, 0x80 | number >> 7, 1])
                    subscribe_all(reader, ["/".join(levels)], identifier, qos=1)
                reader.close()
                writer.connect("writer")
                before = broker.rss_bytes()
                publish_all(writer, ["/".join("a" * 11)] * 8000, qos=1)
                self.assertLess((broker.rss_bytes() - before) // MIB, 16)

    def test_levels_count_against_the_retained_limit(self):
        """Topics of many empty levels are short as text and long as a path in the index."""
        with Broker("--set", "limits.max_retained_bytes=1MiB") as broker, RawClient(broker.port) as client:
            client.connect("writer")
            before = broker.rss_bytes()
            publish_all(client, [f"{number}" + "/" * 199 for number in range(4000)], retain=1)
            self.assertLess((broker.rss_bytes() - before) // MIB, 8)

    def test_levels_count_against_the_filter_limit(self):
        with Broker("--set", "limits.max_filter_bytes_per_client=1MiB") as broker, RawClient(broker.port) as client:
            client.connect("reader")
            before = broker.rss_bytes()
            for first in range(0, 5000, 500):
                subscribe_all(client, [f"{number}" + "/" * 198 + "+" for number in range(first, first + 500)])
            self.assertLess((broker.rss_bytes() - before) // MIB, 8)
