"""What an enemy does before and around MQTT: silence, floods, rubbish, wrong passwords. The broker's memory stays within its
bound, and other clients go on; their latency is printed, not judged."""

import os
import pathlib
import resource
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from certificates import Authority
from peers import connect_packet
from support import MARTLET, PATIENCE_S, Broker, packet, run, text
from test_tls import listener
from test_websocket import RawWebSocket

ALONE = True  # tests/integration/run
MIB = 1 << 20


class Pulse:
    """A client that publishes to itself all the time: how long does it take while others misbehave?"""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.sendall(connect_packet(b"pulse", version=4) + packet(0x82, b"\x00\x01" + text(b"pulse") + b"\x00"))
        self._take(9)
        self.stopped = False
        self.delays_s = []
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _take(self, count):
        taken = b""
        while len(taken) < count:
            piece = self.socket.recv(count - len(taken))
            if not piece:
                raise EOFError("the broker dropped the client that behaves")
            taken += piece
        return taken

    def _run(self):
        beat = packet(0x30, text(b"pulse") + b"x")
        try:
            while not self.stopped:
                began = time.monotonic()
                self.socket.sendall(beat)
                assert self._take(len(beat)) == beat
                self.delays_s.append(time.monotonic() - began)
                time.sleep(0.002)
        except (OSError, EOFError, AssertionError) as error:
            self.error = error

    def stop(self):
        """What to say about its delays."""
        self.stopped = True
        self.thread.join(PATIENCE_S)
        self.socket.close()
        if self.error:
            raise self.error
        ordered = sorted(self.delays_s)
        return f"p50 {ordered[len(ordered) // 2] * 1e3:.2f} ms, p99 {ordered[len(ordered) * 99 // 100] * 1e3:.2f} ms, " \
               f"worst {ordered[-1] * 1e3:.2f} ms of {len(ordered)}"


class HostileTransports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        folder = tempfile.TemporaryDirectory(prefix="martlet-hostile-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.authority = Authority(cls.folder / "ca")
        cls.certificate, cls.key = cls.authority.issue("server")
        cls.figures = []
        cls.addClassCleanup(lambda: print("", *cls.figures, sep="\n  ", flush=True))

    def start(self, content="", *arguments):
        path = self.folder / f"{self.id().rsplit('.', 1)[1]}.toml"
        tls = {"tls__certificate": self.certificate, "tls__key": self.key}
        path.write_text(content + listener() + listener(**tls) + listener(protocol="ws") + listener(protocol="ws", **tls))
        broker = Broker("--config", str(path), "--set", "log.level=warning", *arguments, listen=None)
        self.addCleanup(broker.stop)
        self.tcp, self.tls, self.ws, self.wss = broker.ports
        return broker

    def pressed(self, broker, what, attack, most_bytes):
        """Runs `attack` beside a client that behaves; checks the memory that it took."""
        pulse = Pulse(self.tcp)
        before = broker.rss_bytes()
        began = time.monotonic()
        try:
            attack()
            peak = broker.rss_bytes() - before
            took_s = time.monotonic() - began
        finally:
            delays = pulse.stop()
        self.figures.append(f"{what:<34} {took_s:6.1f} s  {max(peak, 0) / MIB:6.1f} MiB more  a well-behaved client: {delays}")
        self.assertLess(peak, most_bytes)

    def attackers(self, kind, port, total, first):
        """Two processes that do it together; what each got. They stay until the test ends."""
        script = pathlib.Path(__file__).parent / "attackers.py"
        processes = [subprocess.Popen([sys.executable, str(script), kind, str(port), str(total // 2), first.hex()],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for one in processes:
            self.addCleanup(one.communicate)
        return [one.stdout.readline().strip() for one in processes]

    def half_open(self, port, count, first):
        sockets = []
        self.addCleanup(lambda: [one.close() for one in sockets])
        for i in range(count):
            one = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
            if first:
                one.sendall(first)
            sockets.append(one)
        return sockets

    def client_hello(self):
        context = ssl.create_default_context(cafile=self.authority.ca)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    def test_slowloris_on_every_transport(self):
        broker = self.start("[limits]\nconnect_timeout = \"3s\"\n")
        hello = self.client_hello()
        for what, port, first in (("TCP", self.tcp, b"\x10"), ("TLS", self.tls, hello[:20]), ("WebSocket", self.ws, b"GET /mqtt HT"),
                                  ("TLS half way", self.tls, hello)):
            def attack():
                sockets = self.half_open(port, 500, first)
                for one in sockets:
                    one.settimeout(PATIENCE_S)
                    try:
                        while one.recv(65536):
                            pass
                    except ConnectionError:
                        pass
            with self.subTest(what):
                self.pressed(broker, f"slowloris on {what}", attack, 64 * MIB)

    def test_ten_thousand_half_open_handshakes(self):
        broker = self.start("[limits]\nconnect_timeout = \"2m\"\n")
        total = 10_000

        def attack():
            answered = self.attackers("half_open", self.tls, total, self.client_hello())
            self.assertEqual(answered, [str(total // 2)] * 2)

        self.pressed(broker, "10,000 half-open handshakes", attack, 700 * MIB)
        self.assertGreaterEqual(len(os.listdir(f"/proc/{broker.process.pid}/fd")), total, "all of them at once")
        with ssl.create_default_context(cafile=self.authority.ca).wrap_socket(
                socket.create_connection(("127.0.0.1", self.tls), PATIENCE_S), server_hostname="localhost") as late:
            late.sendall(connect_packet(b"late", version=4))
            self.assertEqual(late.recv(4), b"\x20\x02\x00\x00")

    def test_wrong_passwords_end_in_a_ban(self):
        users = self.folder / "users"
        run(MARTLET, "passwd", "-c", "-b", str(users), "ada", "right")
        broker = self.start(f'[[authentication]]\nkind = "file"\npath = "{users}"\n[auth]\nallow_anonymous = true\n'
                            "[abuse]\nexempt = []\nfailures_before_ban = 10\nban_time = \"1h\"\n")
        refused = closed = 0
        guess = packet(0x10, text(b"MQTT") + struct.pack("!BBH", 4, 0xC2, 0) + text(b"thief") + text(b"ada") + text(b"wrong"))
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", self.tcp), PATIENCE_S) as thief:
                try:
                    thief.sendall(guess)
                    answer = thief.recv(64)
                except ConnectionError:
                    answer = b""
                if answer:
                    self.assertEqual(answer[:3], b"\x20\x02\x00")
                    refused += 1
                else:
                    closed += 1
        self.assertEqual((refused, closed), (10, 30), broker.log()[-2000:])

    def test_a_hundred_thousand_wrong_passwords(self):
        """From loopback, which is exempt: nobody is banned, and the hashes are computed beside the cores."""
        users = self.folder / "users"
        run(MARTLET, "passwd", "-c", "-b", "-H", "sha512-pbkdf2", "-I", "200", str(users), "ada", "right")
        broker = self.start(f'[[authentication]]\nkind = "file"\npath = "{users}"\n[auth]\nallow_anonymous = true\n')
        total = int(os.environ.get("MARTLET_GUESSES", "100000"))
        wrong = packet(0x10, text(b"MQTT") + struct.pack("!BBH", 4, 0xC2, 0) + text(b"") + text(b"ada") + text(b"wrong"))

        def attack():
            answered = self.attackers("guess", self.tcp, total, wrong)
            # Refused for the password each time: nobody is let in, or dropped, or told that the broker is busy.
            self.assertEqual(answered, [f"20020004:{total // 2}"] * 2)

        self.pressed(broker, f"{total:,} wrong passwords", attack, 64 * MIB)

    def test_who_leaves_before_the_answer_is_counted(self):
        users = self.folder / "slow-users"
        run(MARTLET, "passwd", "-c", "-b", str(users), "ada", "right")
        broker = self.start(f'[[authentication]]\nkind = "file"\npath = "{users}"\n[auth]\nallow_anonymous = true\n'
                            "[abuse]\nexempt = []\nfailures_before_ban = 10\n")
        guess = packet(0x10, text(b"MQTT") + struct.pack("!BBH", 4, 0xC2, 0) + text(b"thief") + text(b"ada") + text(b"wrong"))
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", self.tcp), PATIENCE_S) as thief:
                thief.sendall(guess)
        broker.wait_for_log(r"address 127\.0\.0\.1 is banned for 60 s: 10 wrong passwords in 60 s \(abuse\.failures_before_ban\)")

    def test_who_is_banned_gets_no_handshake_behind_a_proxy(self):
        path = self.folder / "proxied.toml"
        users = self.folder / "proxied-users"
        run(MARTLET, "passwd", "-c", "-b", str(users), "ada", "right")
        path.write_text(f'[[authentication]]\nkind = "file"\npath = "{users}"\n[auth]\nallow_anonymous = true\n'
                        "[abuse]\nfailures_before_ban = 1\n" +
                        listener(proxy_protocol=True, tls__certificate=self.certificate, tls__key=self.key))
        broker = Broker("--config", str(path), listen=None)
        self.addCleanup(broker.stop)
        context = ssl.create_default_context(cafile=self.authority.ca)

        def come(address, first=b""):
            one = socket.create_connection(("127.0.0.1", broker.port), PATIENCE_S)
            self.addCleanup(one.close)
            one.sendall(b"PROXY TCP4 %s 198.51.100.1 4001 8883\r\n" % address + first)
            return one

        with context.wrap_socket(come(b"203.0.113.7"), server_hostname="localhost") as thief:
            thief.sendall(packet(0x10, text(b"MQTT") + struct.pack("!BBH", 4, 0xC2, 0) + text(b"thief") + text(b"ada") + text(b"wrong")))
            self.assertEqual(thief.recv(4), b"\x20\x02\x00\x04")
        with context.wrap_socket(come(b"203.0.113.8"), server_hostname="localhost") as other:
            other.sendall(connect_packet(b"other", version=4))
            self.assertEqual(other.recv(4), b"\x20\x02\x00\x00")
        # Turned away already for the header, with a hello behind it or without.
        for hello in (self.client_hello(), b""):
            banned = come(b"203.0.113.7", hello)
            try:
                self.assertEqual(banned.recv(1), b"")
            except ConnectionError:
                pass

    def test_oversized_upgrade_headers(self):
        broker = self.start()

        def attack():
            for _ in range(200):
                with socket.create_connection(("127.0.0.1", self.ws), PATIENCE_S) as one:
                    try:
                        one.sendall(b"GET /mqtt HTTP/1.1\r\n" + b"X-Filler: " + b"y" * 2_000_000)
                        one.shutdown(socket.SHUT_WR)
                        while one.recv(65536):
                            pass
                    except ConnectionError:
                        pass

        self.pressed(broker, "200 headers of 2 MB", attack, 32 * MIB)

    def test_a_bomb_of_small_fragments(self):
        broker = self.start()
        with RawWebSocket(self.ws) as client:
            connect = connect_packet(b"bomber", version=4)
            client.send(2, connect)
            self.assertEqual(client.receive()[1], b"\x20\x02\x00\x00")
            bomb = client.frame(2, b"\x30", last=False) + client.frame(0, b"", last=False) * 200_000

            def attack():
                client.socket.sendall(bomb)
                client.send(0, b"\x02\x00\x00")
                client.send(9, b"over")
                while client.receive()[0] != 10:
                    pass

            self.pressed(broker, "200,000 empty fragments", attack, 16 * MIB)

    def test_a_flood_of_pings_from_who_does_not_read(self):
        broker = self.start()
        with RawWebSocket(self.ws) as client:
            client.send(2, connect_packet(b"pinger", version=4))
            flood = client.frame(9, b"z" * 125) * 2_000

            def attack():
                client.socket.settimeout(1)
                try:
                    for _ in range(100):
                        client.socket.sendall(flood)
                except TimeoutError:
                    pass

            self.pressed(broker, "25 MB of pings, no pong read", attack, 16 * MIB)


if __name__ == "__main__":
    unittest.main()
