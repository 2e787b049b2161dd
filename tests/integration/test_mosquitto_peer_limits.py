"""As test_mosquitto_peer.py, of the limits of listeners and broker."""

import unittest

from mosquitto_peer import PeerCase, covers
from support import MARTLET, free_port, packet, text


class MosquittoPeerLimits(PeerCase):
    @covers("max_connections")
    def test_limits_of_a_listener(self):
        def script(ports):
            first = self.connected(ports[0], b"one")
            # Mosquitto closes without a word; we say why.
            answers = [self.client(ports[0]).connack(client_id=b"two") in ("closed", b"\x00\x03")]
            first.leave()
            return answers + [self.client(ports[0]).connack(client_id=b"three")]
        # Probing the first port would count.
        self.both("allow_anonymous true\nlistener PORT1 127.0.0.1\nmax_connections 1\nlistener PORT2 127.0.0.1\n", script,
                  ready=lambda ports: ports[1])

    @covers("max_packet_size", "max_keepalive", "retain_available", "allow_zero_length_clientid")
    def test_limits_of_the_broker(self):
        def script(ports):
            five = self.client(ports[0])
            seen = [five.connack(version=5, client_id=b"five", keep_alive=300)]
            # "unspecified error" there, "client identifier not valid" here
            seen.append(self.client(ports[0]).connack(version=5, client_id=b"")[0] in (0x80, 0x85))
            seen.append(self.client(ports[0]).connack(client_id=b""))
            small = self.connected(ports[0], b"small")
            small.publish(b"t", b"x" * 3_000, qos=1)
            seen.append(small.packet())
            return seen
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nmax_packet_size 2000\nmax_keepalive 100\nretain_available false\n"
                  "allow_zero_length_clientid false\n", script)

    @covers("upgrade_outgoing_qos", "max_qos")
    def test_quality_of_service(self):
        def script(ports):
            sender, receiver = self.connected(ports[0], b"s"), self.connected(ports[0], b"r")
            seen = [receiver.subscribe(b"t", 2)]
            for qos in (0, 1):
                sender.publish(b"t", b"q%d" % qos, qos=qos)
                seen.append((sender.messages(), receiver.messages()))
            five = self.client(ports[0])
            return seen + [five.connack(version=5, client_id=b"five")]
        for options in ("upgrade_outgoing_qos true\n", "max_qos 1\n", ""):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous true\n{options}", script)

    @covers("max_queued_messages", "queue_qos0_messages")
    def test_queues(self):
        def script(ports):
            keeper = self.connected(ports[0], b"keeper", clean=False)
            seen = [keeper.subscribe(b"t", 1)]
            keeper.leave()
            sender = self.connected(ports[0], b"s")
            for i in range(8):
                sender.publish(b"t", b"%d" % i, qos=1)
                sender.packet()
            sender.publish(b"t", b"zero")
            sender.messages()
            again = self.connected(ports[0], b"keeper", clean=False)
            return seen + [again.messages()]
        for options in ("max_queued_messages 5\n", "queue_qos0_messages true\n", ""):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous true\n{options}", script)

    @covers("max_inflight_messages")
    def test_in_flight(self):
        def script(ports):
            receiver, sender = self.connected(ports[0], b"r"), self.connected(ports[0], b"s")
            seen = [receiver.subscribe(b"t", 1)]
            for i in range(6):
                sender.publish(b"t", b"%d" % i, qos=1)
                sender.packet()
            got = [body[-1:] for _, body in receiver.messages(acknowledge=False)]
            return seen + [got]
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 3\n", script)


    @covers("max_inflight_messages", "max_topic_alias", "max_qos", "max_packet_size", "max_keepalive")
    def test_what_5_0_clients_are_told(self):
        for options in ("max_inflight_messages 0\n", "max_inflight_messages 1\n", "max_inflight_messages 65535\n", "max_topic_alias 0\n",
                        "max_topic_alias 7\n", "max_qos 0\n", "max_packet_size 20\n", "max_keepalive 65535\n", "max_keepalive 100\n"):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous true\n{options}", lambda ports: [
                self.client(ports[0]).connack(version=version, client_id=b"x", keep_alive=seconds)
                for version in (4, 5) for seconds in (0, 60, 100, 101)], migrate=options == "max_qos 0\n")

    @covers("max_packet_size")
    def test_packets_that_are_too_large(self):
        def script(ports):
            seen = []
            for version in (4, 5):
                for size in (100, 101, 120, 5000):
                    client = self.connected(ports[0], b"s", version=version)
                    client.publish(b"t", b"x" * size, qos=1, version=version)
                    answer = client.packet(1.0)
                    seen.append((size, answer if isinstance(answer, str) else (answer[0], answer[1][:1])))
            return seen
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nmax_packet_size 110\n", script)

    @covers("message_size_limit")
    def test_payloads_that_are_too_long(self):
        def will(port, size, version):
            properties = b"\x00" if version == 5 else b""
            client = self.client(port)
            client.send(packet(0x10, text(b"MQTT") + bytes([version, 0x06, 0, 60]) + properties + text(b"w") + properties + text(b"wt")
                               + text(b"x" * size)))
            return client.packet()[1][:2]

        def script(ports):
            receiver = self.connected(ports[0], b"r")
            seen = [receiver.subscribe(b"t", 2)]
            for version in (4, 5):
                for size in (100, 101, 5000):
                    for qos in (0, 1, 2):
                        sender = self.connected(ports[0], b"s", version=version)
                        sender.publish(b"t", b"x" * size, qos=qos, version=version)
                        # The manual has "implementation specific error"; Debian's says "packet too large", which no PUBACK may.
                        answers = [(first, body[:2], len(body) > 2 and body[2] >= 0x80) for first, body in sender.messages()]
                        if qos == 2:
                            sender.send(packet(0x62, b"\x00\x09"))
                            answers.append(sender.packet()[0])
                        seen.append((version, size, qos, answers, receiver.messages()))
                seen += [will(ports[0], size, version) for size in (100, 101)]
            return seen
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nmessage_size_limit 100\n", script)

    @covers("max_queued_bytes", "max_packet_size")
    def test_bytes_that_are_queued(self):
        def script(ports):
            keeper = self.connected(ports[0], b"keeper", clean=False)
            seen = [keeper.subscribe(b"t", 1)]
            keeper.leave()
            sender = self.connected(ports[0], b"s")
            for i in range(8):
                sender.publish(b"t", b"%d" % i * 10_000, qos=1)
                sender.packet()
            again = self.connected(ports[0], b"keeper", clean=False)
            kept = b"".join(body[3:4] for _, body in again.messages())
            # We keep what does not go beyond the limit, Mosquitto one message more.
            return seen + [kept[:5], kept[5:] in (b"", b"5")]
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nmax_queued_bytes 55000\nmax_packet_size 20000\n", script, migrate=True)

    @covers("retain_available")
    def test_without_retained_messages(self):
        def script(ports):
            seen = []
            for version in (4, 5):
                client = self.connected(ports[0], b"s", version=version)
                client.publish(b"r", b"x", qos=1, retain=True, version=version)
                answer = client.packet()
                seen.append(answer if isinstance(answer, str) else (answer[0], answer[1][:1]))
                seen.append(client.packet())
                other = self.connected(ports[0], b"o", version=version)
                seen += [other.subscribe(b"r", version=version), other.messages()]
            return seen
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nretain_available false\n", script)

    def ours(self, content, script):
        """What Debian's Mosquitto does not do as its manual says, or does not show."""
        port = free_port()
        return self.seen([MARTLET, "broker", "-c", str(self.conf(content, [port]))], port, lambda: script([port]))

    @covers("max_inflight_bytes")
    def test_bytes_in_flight(self):
        def script(ports):
            receiver, sender = self.connected(ports[0], b"r"), self.connected(ports[0], b"s")
            receiver.subscribe(b"t", 1)
            for i in range(6):
                sender.publish(b"t", b"%d" % i * 10_000, qos=1)
                sender.packet()
            got = [body[-1:] for _, body in receiver.messages(acknowledge=False)]
            return got
        # 2.0.11 sends them all.
        self.assertEqual(self.ours("listener PORT1 127.0.0.1\nallow_anonymous true\nmax_inflight_bytes 35000\n", script), [b"0", b"1", b"2", b"3"])

    @covers("persistent_client_expiration")
    def test_sessions_expire(self):
        def script(ports):
            return [self.client(ports[0]).connack(version=5, client_id=b"e", expiry=seconds)[1].get(0x11) for seconds in (3600, 0xFFFFFFFF)]
        content = "listener PORT1 127.0.0.1\nallow_anonymous true\npersistent_client_expiration 2h\n"
        # Mosquitto does not tell; nobody waits hours for it here.
        self.assertEqual(self.ours(content, script), [None, 7200])


if __name__ == "__main__":
    unittest.main()
