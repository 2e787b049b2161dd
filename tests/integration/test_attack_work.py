"""One request whose cost must grow as it does: four times the filters, not sixteen times the work."""

import struct
import unittest

from support import Broker, RawClient, packet, subscribe, text

ALONE = True  # tests/integration/run


def cpu_of(broker, work):
    before = broker.cpu_seconds()
    work()
    return broker.cpu_seconds() - before


def request(client, filters):
    client.send(packet(0x82, b"\0\1\0" + b"".join(text(topic_filter) + b"\0" for topic_filter in filters)))
    assert client.read_packet()[0] == 0x90
    ping(client)


def ping(client):
    client.send(b"\xc0\0")
    while client.read_packet()[0] != 0xD0:
        pass


class Work(unittest.TestCase):
    def assert_in_proportion(self, small_s, large_s):
        """`large_s` is for four times as much. Twice the proportion, and the clock's ticks, are granted."""
        self.assertLessEqual(large_s, 8 * small_s + 0.3)

    def test_many_shared_filters_in_one_subscribe(self):
        with Broker() as broker, RawClient(broker.port, 120) as client:
            client.connect("reader")
            small = cpu_of(broker, lambda: request(client, [f"$share/a/{number:x}" for number in range(5000)]))
        with Broker() as broker, RawClient(broker.port, 120) as client:
            client.connect("reader")
            large = cpu_of(broker, lambda: request(client, [f"$share/a/{number:x}" for number in range(20000)]))
        self.assert_in_proportion(small, large)

    def test_a_bystander_is_answered_during_a_walk_of_the_retained(self):
        """2000 filters that match none of 30,000 retained topics: the others get their turn in between."""
        with Broker() as broker:
            with RawClient(broker.port, 120) as attacker, RawClient(broker.port, 120) as bystander:
                attacker.connect("attacker")
                bystander.connect("bystander")
                for number in range(30000):
                    attacker.send(packet(0x31, text(f"{number:x}/a") + b"\0x"))
                ping(attacker)
                filters = b"".join(text(f"+/x{number:x}") + b"\0" for number in range(2000))
                attacker.send(packet(0x82, b"\0\1\0" + filters))
                # The walk has begun when the broker works; the bystander's answer must not need its end.
                before = broker.cpu_seconds()
                ping(bystander)
                self.assertLess(broker.cpu_seconds() - before, 0.5)

    def test_a_long_level_is_hashed_once_for_each_match(self):
        """1024 branches of the index meet the same last level of 60 kB, sent as an alias of one byte."""
        with Broker() as broker, RawClient(broker.port, 120) as client:
            client.connect("client")
            for number in range(1024):
                levels = "/".join("a" if number >> bit & 1 else "+" for bit in range(10))
                client.send(subscribe(f"{levels}/b"))
                client.read_packet()
            client.send(packet(0x30, text("a/" * 10 + "x" * 60000) + b"\3\x23\0\1"))
            alias = packet(0x30, struct.pack("!H", 0) + b"\3\x23\0\1")
            long = cpu_of(broker, lambda: (client.send(alias * 400), ping(client)))
            # The same number of messages, level after level short.
            client.send(packet(0x30, text("a/" * 10 + "x") + b"\3\x23\0\1"))
            short = cpu_of(broker, lambda: (client.send(alias * 400), ping(client)))
        self.assertLessEqual(long, 8 * short + 0.3)
