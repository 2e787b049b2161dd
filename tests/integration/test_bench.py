"""`martlet bench` itself: that it finds what a broker does wrong, and that it speaks TLS and WebSocket."""

import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from support import MARTLET, PATIENCE_S, Broker, free_port, packet, run, text, wait_until

ALONE = True  # tests/integration/run


def bench(*arguments, expect=0):
    """Runs the bench; its result as a dictionary."""
    done = run(MARTLET, "bench", *map(str, arguments), "--json", "--quiet", expect=None)
    assert done.returncode == expect, (arguments, done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


class Liar:
    """A relay of MQTT 3.1.1 at QoS 0 for one publisher and one subscriber. `lie` turns the body of a PUBLISH and its
    number into the packets that the subscriber gets."""

    def __init__(self, lie):
        self.lie, self.count, self.subscriber = lie, 0, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb")
        while True:
            first = stream.read(1)
            if not first:
                return connection.close()
            length, shift = 0, 0
            while True:
                byte = stream.read(1)[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            body = stream.read(length)
            if first[0] == 0x10:
                connection.sendall(b"\x20\x02\0\0")
            elif first[0] == 0x82:
                self.subscriber = connection
                connection.sendall(packet(0x90, body[:2] + b"\0"))
            elif first[0] >> 4 == 3:
                for answer in self.lie(body, self.count):
                    self.subscriber.sendall(answer)
                self.count += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def plain(body):
    return packet(0x30, body)


def on_tenth(change):
    """Message 10 is changed, all others are relayed as they are."""
    return lambda body, number: change(body) if number == 10 else [plain(body)]


def topic_end(body):
    return 2 + struct.unpack("!H", body[:2])[0]


class Accounts(unittest.TestCase):
    """Everything that a broker must not do is found, and nothing else."""

    FAULTS = ("missing", "duplicated", "reordered", "foreign")

    def faults(self, lie, *arguments, clean=False):
        with Liar(lie) as liar:
            result = bench("p2p", "--pairs", 1, "--protocol", "3.1.1", "--rate", 100, "--warmup", 0.1, "--duration", 0.2,
                           "--drain", 0.3, "--port", liar.port, *arguments, expect=0 if clean else 1)
        self.assertEqual(result["clean"], clean)
        self.assertGreaterEqual(result["sent"], 30)
        return {name: result[name] for name in self.FAULTS if result[name]}, result["first_foreign"]

    def test_an_honest_relay_is_clean(self):
        self.assertEqual(self.faults(on_tenth(lambda body: [plain(body)]), clean=True), ({}, ""))

    def test_a_lost_message(self):
        self.assertEqual(self.faults(on_tenth(lambda body: [])), ({"missing": 1}, ""))

    def test_a_lost_message_that_is_allowed(self):
        self.assertEqual(self.faults(on_tenth(lambda body: []), "--allow-loss", clean=True), ({"missing": 1}, ""))

    def test_a_doubled_message(self):
        self.assertEqual(self.faults(on_tenth(lambda body: [plain(body)] * 2)), ({"duplicated": 1}, ""))

    def test_two_messages_in_the_wrong_order(self):
        kept = []

        def lie(body, number):
            if number == 10:
                kept.append(plain(body))
                return []
            return [plain(body)] + (kept if number == 11 else [])

        self.assertEqual(self.faults(lie), ({"reordered": 1}, ""))

    def foreign(self, change, what, *arguments):
        faults, first = self.faults(on_tenth(change), *arguments)
        self.assertEqual(faults, {"missing": 1, "foreign": 1})
        self.assertIn(what, first)

    def test_another_topic(self):
        self.foreign(lambda body: [plain(text("else") + body[topic_end(body):])], 'with another topic (topic "else"')

    def test_another_length(self):
        self.foreign(lambda body: [plain(body + b"m")], "with another length")
        self.foreign(lambda body: [plain(body[:-1])], "with another length")

    def test_another_length_of_a_large_payload(self):
        self.foreign(lambda body: [plain(body + b"m")], "with another length", "--payload", 100_000)

    def test_another_head(self):
        def change(body):
            stamp = topic_end(body)
            return [plain(body[: stamp + 7] + b"\x55" + body[stamp + 8 :])]

        self.foreign(change, "from no publisher of this run")
        self.foreign(change, "from no publisher of this run", "--payload", 100_000)

    def test_a_payload_without_a_stamp(self):
        self.foreign(lambda body: [plain(body[: topic_end(body)] + b"short")], "without a stamp")

    def test_another_retain_flag_or_qos(self):
        self.foreign(lambda body: [packet(0x31, body)], "RETAIN")
        self.foreign(
            lambda body: [packet(0x32, body[: topic_end(body)] + b"\0\1" + body[topic_end(body) :])], "with another QoS"
        )


class WithPid(unittest.TestCase):
    """What the bench says of the broker's process."""

    def test_memory_and_cpu_time_are_told(self):
        with Broker() as broker:
            where = ("--port", broker.port, "--pid", broker.process.pid, "--duration", 0.5)
            idle = bench("idle", "--connections", 500, *where)["broker"]
            self.assertGreater(idle["rss_bytes_per_connection"], 100)
            self.assertGreater(idle["cpu_us_per_connect"], 0)
            subscribed = bench("subscribe", *where)
            self.assertEqual(subscribed["subscriptions"], 100_000)
            self.assertGreater(subscribed["broker"]["rss_bytes_per_subscription"], 10)
            retained = bench("retained", *where, "--payload", 1000, "--messages", 20_000, "--subscribers", 2)
            self.assertEqual(retained["received"], 40_000)
            self.assertGreater(retained["retained"]["rss_bytes_per_retained"], 800)
            offline = bench("offline", *where, "--payload", 1000, "--messages", 5000)
            self.assertGreater(offline["offline"]["cpu_us_per_drained"], 0)
            churn = bench("churn", "--rate", 200, "--qos", 1, *where)
            self.assertEqual(churn["churn"]["rounds"], 100)
            # Nothing is left behind.
            again = bench("p2p", "--pairs", 2, *where)
            self.assertGreater(again["broker"]["cpu_us_per_delivery"], 0)


MOSQUITTO = """
allow_anonymous true
max_queued_messages 0
max_inflight_messages 0
log_dest stderr
{user}
listener {tls} 127.0.0.1
{certificates}
listener {mutual} 127.0.0.1
{certificates}
require_certificate true
listener {ws} 127.0.0.1
protocol websockets
listener {wss} 127.0.0.1
protocol websockets
{certificates}
"""


class Transports(unittest.TestCase):
    """TLS, WebSocket and both, against mosquitto."""

    @classmethod
    def setUpClass(cls):
        cls.path = pathlib.Path(tempfile.mkdtemp(prefix="martlet-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.path, True)
        cls.make_certificates()
        cls.start_mosquitto()

    @classmethod
    def make_certificates(cls):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=cls.path, check=True, capture_output=True, timeout=PATIENCE_S)

        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=test ca", "-keyout", "ca.key", "-out", "ca.pem")
        (cls.path / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
        for name in ("server", "client"):
            openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-days", "2", "-extfile", "names", "-out", f"{name}.pem")

    @classmethod
    def start_mosquitto(cls):
        names = ("tls", "mutual", "ws", "wss")
        cls.ports = {name: free_port() for name in names}
        files = {"cafile": "ca.pem", "certfile": "server.pem", "keyfile": "server.key"}
        certificates = "\n".join(f"{option} {cls.path / file}" for option, file in files.items())
        config = cls.path / "mosquitto.conf"
        # As root it would change to a user who may not read the key.
        user = "user root" if os.geteuid() == 0 else ""
        config.write_text(MOSQUITTO.format(user=user, certificates=certificates, **cls.ports))
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        cls.log = open(cls.path / "log", "w+b")
        process = subprocess.Popen([program, "-c", config], stdout=cls.log, stderr=cls.log)
        cls.addClassCleanup(cls.stop, process)
        for port in cls.ports.values():
            wait_until(lambda: cls.listens(port), "mosquitto", (cls.path / "log").read_text)

    @staticmethod
    def listens(port):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except ConnectionRefusedError:
            return False

    @classmethod
    def stop(cls, process):
        process.terminate()
        process.wait(PATIENCE_S)
        cls.log.close()

    def arguments(self, transport):
        trust = ("--cafile", self.path / "ca.pem")
        return {
            "tls": ("--port", self.ports["tls"], *trust),
            "ws": ("--port", self.ports["ws"], "--ws"),
            "wss": ("--port", self.ports["wss"], "--ws", *trust),
        }[transport]

    def all_transports(self, *arguments):
        for transport in ("tls", "ws", "wss"):
            with self.subTest(transport=transport):
                result = bench(*arguments, "--warmup", 0.1, "--duration", 0.3, *self.arguments(transport))
                self.assertTrue(result["clean"])
                yield result

    def run_all(self, *arguments):
        for result in self.all_transports(*arguments):
            self.assertGreater(result["received"], 0)

    def test_pairs_at_every_qos_and_version(self):
        for version in ("3.1.1", "5"):
            for qos in (0, 1, 2):
                self.run_all("p2p", "--pairs", 10, "--qos", qos, "--protocol", version)

    def test_paced(self):
        self.run_all("p2p", "--pairs", 5, "--qos", 1, "--rate", 500, "--threads", 2)

    def test_fan_out_and_fan_in(self):
        self.run_all("fan-out", "--subscribers", 50, "--qos", 1)
        self.run_all("fan-in", "--publishers", 50, "--qos", 1)
        self.run_all("shared", "--publishers", 50, "--qos", 1, "--threads", 2)

    def test_large_payloads(self):
        bench("large", "--pairs", 2, "--qos", 1, "--duration", 0.3, *self.arguments("tls"))
        bench("large", "--pairs", 1, "--payload", 1_048_576, "--duration", 0.3, *self.arguments("tls"))
        # mosquitto takes about a second for 64 KiB through a WebSocket.
        self.run_all("large", "--pairs", 1, "--qos", 1, "--rate", 5, "--drain", 10)

    def test_what_is_stored_first(self):
        self.run_all("offline", "--messages", 2000, "--publishers", 4, "--subscribers", 2)
        self.run_all("retained", "--messages", 2000)

    def test_subscriptions_and_connections(self):
        self.run_all("subscribe", "--subscriptions", 5000)
        for result in self.all_transports("connect", "--connections", 200):
            self.assertEqual(result["connections"], 200)
            self.assertEqual(result["handshake_us"]["count"], 200)
        for result in self.all_transports("churn", "--connections", 10):
            self.assertGreater(result["subscriptions"], 0)

    def complaint(self, *arguments):
        done = run(MARTLET, "bench", "connect", "--connections", "3", "--quiet", *map(str, arguments), expect=1)
        return done.stderr.decode()

    def test_a_certificate_of_the_clients(self):
        mutual = ("--port", self.ports["mutual"], "--cafile", self.path / "ca.pem")
        own = ("--cert", self.path / "client.pem", "--key", self.path / "client.key")
        for version in ("tlsv1.2", "tlsv1.3"):
            result = bench("connect", "--connections", 10, "--duration", 0.1, "--tls-version", version, *mutual, *own)
            self.assertEqual(result["connections"], 10)
        self.assertRegex(self.complaint(*mutual), "certificate required|closed a connection|while sending")

    def test_a_broker_that_is_not_trusted(self):
        self.assertIn("certificate verify failed", self.complaint("--port", self.ports["tls"], "--tls"))
        name = ("--host", f"localhost:{self.ports['tls']}", "--cafile", self.path / "ca.pem")
        bench("connect", "--connections", 3, "--duration", 0.1, *name)
        bench("connect", "--connections", 3, "--duration", 0.1, "--port", self.ports["tls"], "--insecure")

    def test_the_wrong_transport(self):
        self.assertIn("TLS handshake", self.complaint("--port", self.ports["ws"], "--tls"))
        self.assertRegex(self.complaint("--port", self.ports["tls"], "--ws"), "closed a connection|WebSocket")
        self.assertRegex(self.complaint("--port", self.ports["ws"]), "closed a connection|cannot be understood")


class CommandLine(unittest.TestCase):
    def test_the_sets_are_listed(self):
        listed = run(MARTLET, "bench", "list").stdout.decode()
        for name in ("p2p-1K", "fanout-1-1K", "sharedsub-1K-5", "fanin-1K-5", "conn-10K", "p2p-50K", "fanout-5-1K",
                     "sharedsub-50K-500", "conn-1M"):
            self.assertRegex(listed, rf"(?m)^ +{re.escape(name)} +\S")

    def test_no_broker_is_a_failure_with_its_reason(self):
        port = free_port()
        done = run(MARTLET, "bench", "p2p", "--port", str(port), "--quiet", expect=1)
        self.assertIn(b"Connection refused", done.stderr)

    def test_progress_and_verdict_go_to_standard_error(self):
        with Broker() as broker:
            done = run(MARTLET, "bench", "p2p", "--pairs", "5", "--port", str(broker.port), "--duration", "2", "--json",
                       "--progress")
        self.assertTrue(json.loads(done.stdout)["clean"])
        self.assertIn(b"received/s", done.stderr)
        self.assertTrue(done.stderr.decode().endswith("bench: clean\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
