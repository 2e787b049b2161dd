"""Clients that send rubbish, half a packet, nothing, or that do not read; and ten thousand at once."""

import os
import random
import resource
import socket
import struct
import sys
import time
import unittest

from support import Broker, BrokerTest, RawClient, packet, publish, subscribe, wait_until

ALONE = True  # tests/integration/run


class Rude(BrokerTest):
    ARGUMENTS = ("--set", "limits.connect_timeout=1s", "--set", "limits.slow_reader_timeout=2s")

    def still_serves(self):
        with RawClient(self.broker.port) as client:
            client.connect("probe")
            client.send(packet(0xC0, b""))
            self.assertEqual(client.read_packet()[0], 0xD0)

    def test_rubbish_ends_only_its_connection(self):
        dice = random.Random(7)
        with RawClient(self.broker.port) as bystander:
            bystander.connect("bystander")
            for _ in range(200):
                with RawClient(self.broker.port) as rude:
                    try:
                        rude.send(dice.randbytes(dice.randrange(1, 2000)))
                        rude.socket.shutdown(socket.SHUT_WR)
                    except ConnectionError:
                        pass
                    rude.rest()
            bystander.send(packet(0xC0, b""))
            self.assertEqual(bystander.read_packet()[0], 0xD0)

    def test_rubbish_after_connect_gets_the_reason_first(self):
        for rubbish, reason in ((b"\x36\x04\x00\x01ab", 0x81), (b"\xf1\x00", 0x81), (b"\x10\x00", 0x82), (b"\x30\xff\xff\xff\xff\x7f", 0x81)):
            with self.subTest(rubbish=rubbish), RawClient(self.broker.port) as rude:
                rude.connect("rude")
                rude.send(rubbish)
                header, body = rude.read_packet()
                self.assertEqual((header, body[0]), (0xE0, reason))
                self.assertEqual(rude.rest(), b"")
        self.broker.wait_for_log(r'client "rude" at 127\.0\.0\.1:\d+ .*MQTT-3\.3\.1-4')

    def test_nothing_and_half_a_connect_time_out(self):
        for start in (b"", b"\x10", b"\x10\x20\x00\x04MQ"):
            with self.subTest(start=start), RawClient(self.broker.port) as silent:
                silent.send(start)
                self.assertEqual(silent.rest(), b"")

    def test_half_a_packet_for_ever_meets_the_keep_alive(self):
        with RawClient(self.broker.port) as half:
            half.connect("half", keep_alive=1)
            half.send(publish("t", b"x" * 100)[:50])
            header, body = half.read_packet()
            self.assertEqual((header, body[0]), (0xE0, 0x8D))

    def test_a_huge_announced_packet_takes_no_memory(self):
        before = self.broker.rss_bytes()
        clients = []
        for i in range(50):
            client = RawClient(self.broker.port)
            client.connect(f"huge{i}")
            # 1 MiB is allowed; 100 bytes of it come.
            client.send(b"\x30" + b"\xf0\xff\x3f" + b"\x00\x01t\x00" + b"x" * 100)
            clients.append(client)
        self.still_serves()
        self.assertLess(self.broker.rss_bytes() - before, 20 << 20)
        for client in clients:
            client.close()

    def test_too_large_is_told_before_the_bytes_come(self):
        with RawClient(self.broker.port) as client:
            client.connect("toolarge")
            client.send(b"\x30\xff\xff\xff\x7f")
            header, body = client.read_packet()
            self.assertEqual((header, body[0]), (0xE0, 0x95))

    def test_a_reader_that_does_not_read_is_paused_then_cut(self):
        with RawClient(self.broker.port) as stuck, RawClient(self.broker.port) as flood:
            stuck.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect("stuck")
            stuck.send(subscribe("flood/#"))
            stuck.read_packet()
            flood.connect("flood")
            before = self.broker.rss_bytes()
            message = publish("flood/x", b"x" * 60000)
            for _ in range(2000):
                flood.send(message)
            flood.send(packet(0xC0, b""))
            self.assertEqual(flood.read_packet()[0], 0xD0)
            self.assertLess(self.broker.rss_bytes() - before, 100 << 20)
            self.broker.wait_for_log(r'client "stuck" .*slow_reader')
        self.still_serves()

    def test_bytes_one_by_one(self):
        with RawClient(self.broker.port) as slow:
            slow.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            slow.connect("onebyone")
            for byte in subscribe("o/#") + publish("o/1", b"payload"):
                slow.send(bytes([byte]))
            self.assertEqual(slow.read_packet()[0], 0x90)
            self.assertEqual(slow.read_packet(), (0x30, b"\x00\x03o/1\x00payload"))


class Crowd(unittest.TestCase):
    COUNT = 10_000

    def test_ten_thousand_at_once(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.assertGreater(hard, self.COUNT + 500, "the descriptor limit of this machine is too low for this test")
        with Broker("--set", "log.level=warning", "--set", "sys.interval=never") as broker:
            start_bytes = broker.rss_bytes()
            clients = []
            for i in range(self.COUNT):
                client = RawClient(broker.port)
                body = struct.pack("!H4sBBH", 4, b"MQTT", 5, 2, 0) + b"\0" + struct.pack("!H", len(f"c{i}")) + f"c{i}".encode()
                client.send(packet(0x10, body) + subscribe("crowd/all"))
                clients.append(client)
            for client in clients:
                self.assertEqual(client.read_packet()[0], 0x20)
                self.assertEqual(client.read_packet()[0], 0x90)
            idle_bytes = (broker.rss_bytes() - start_bytes) / self.COUNT
            with RawClient(broker.port) as publisher:
                publisher.connect("publisher")
                publisher.send(publish("crowd/all", b"hello"))
                for client in clients:
                    self.assertEqual(client.read_packet(), (0x30, b"\x00\x09crowd/all\x00hello"))
            print(f"{idle_bytes:.0f} bytes of memory for each idle subscriber; ", end="", file=sys.stderr)
            for client in clients:
                client.close()

    def test_out_of_descriptors_does_not_spin(self):
        import subprocess

        from support import MARTLET, PATIENCE_S

        command = ["sh", "-c", f"ulimit -Hn 64; exec {MARTLET} broker --listen 127.0.0.1:0 --data none"]

        class Limited(Broker):
            def __init__(self):
                original = subprocess.Popen
                subprocess.Popen = lambda _command, **named: original(command, **named)
                try:
                    super().__init__()
                finally:
                    subprocess.Popen = original

        with Limited() as broker:
            held = []
            for _ in range(100):
                try:
                    held.append(RawClient(broker.port))
                except OSError:
                    break
            broker.wait_for_log("descriptors")
            used = broker.cpu_seconds()
            time.sleep(1.0)
            self.assertLess(broker.cpu_seconds() - used, 0.5, "the broker spins while it is out of descriptors")
            for client in held:
                client.close()

            def serves():
                try:
                    with RawClient(broker.port, timeout=2) as client:
                        client.connect("after")
                        return True
                except (OSError, EOFError):
                    return False

            wait_until(serves, "service after descriptors were freed")


if __name__ == "__main__":
    unittest.main()
