"""A mosquitto.conf, run by Debian's mosquitto, by `martlet broker --mosquitto-conf`, and as what `martlet migrate mosquitto`
makes of it; and a client that sees bytes."""

import functools
import pathlib
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from certificates import Authority
from peers import varint
from support import MARTLET, PATIENCE_S, free_port, packet, run, text, together

# CONNACK properties that are compared, with how many bytes their values have.
SHOWN = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
REASON_STRING = 0x1F  # Mosquitto has none
USER_PROPERTY = 0x26
QUIET_PINGS = 3  # answered in a row with nothing before them
PLAIN = "persistence false\nuser root\n"  # what a case's mosquitto.conf begins with


def covers(*options):
    """The test compares what these options of mosquitto.conf do; that it writes them down is checked when it runs."""

    def decorate(test):
        @functools.wraps(test)
        def wrapper(self):
            test(self)
            self.assertEqual(set(options) - self.written_options, set(), "options that the case names but does not set")

        wrapper.covered_options = options
        return wrapper

    return decorate


def connect(client_id=b"c", version=4, user=None, password=None, keep_alive=60, clean=True, expiry=None):
    flags = (2 if clean else 0) | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = text(b"MQTT") + struct.pack("!BBH", version, flags, keep_alive)
    if version == 5:
        properties = b"" if expiry is None else b"\x11" + struct.pack("!I", expiry)
        body += varint(len(properties)) + properties
    body += text(client_id)
    for part in (user, password):
        if part is not None:
            body += text(part)
    return packet(0x10, body)


class Client:
    """What one client sees."""

    def __init__(self, transport, case_clients=()):
        self.transport, self.case_clients = transport, case_clients
        self.is_connected = False
        self.ahead = []  # packets that were read before anybody asked for them
        self.transport.settimeout(PATIENCE_S)
        self.buffer = b""

    def send(self, data):
        try:
            self.transport.sendall(data)
        except OSError:
            pass

    def packet(self, within_s=PATIENCE_S):
        """The next packet as (first byte, body), or what happened instead."""
        if self.ahead:
            return self.ahead.pop(0) if self.ahead != ["closed"] else "closed"
        return self.arriving(within_s)

    def arriving(self, within_s=PATIENCE_S):
        self.transport.settimeout(within_s)
        try:
            while True:
                if len(self.buffer) >= 2:
                    length, shift, at = 0, 0, 1
                    while at < len(self.buffer):
                        byte = self.buffer[at]
                        length |= (byte & 0x7F) << shift
                        shift += 7
                        at += 1
                        if byte < 0x80:
                            if len(self.buffer) >= at + length:
                                first, body = self.buffer[0], self.buffer[at:at + length]
                                self.buffer = self.buffer[at + length:]
                                return first, body
                            break
                piece = self.transport.recv(65536)
                if not piece:
                    return "closed"
                self.buffer += piece
        except TimeoutError:
            return "nothing"
        except OSError:
            return "closed"

    def connack(self, **options):
        self.send(connect(**options))
        answer = self.packet()
        self.is_connected = not isinstance(answer, str) and answer[1][1] == 0
        if answer == "closed" or options.get("version", 4) != 5:
            return answer if isinstance(answer, str) else answer[1]
        body = answer[1]
        shown, properties = {}, body[3:3 + body[2]] if len(body) > 2 else b""
        while properties:
            kind = properties[0]
            if kind in SHOWN:
                shown[kind] = int.from_bytes(properties[1:1 + SHOWN[kind]], "big")
                properties = properties[1 + SHOWN[kind]:]
                continue
            size = int.from_bytes(properties[1:3], "big")
            if kind == USER_PROPERTY:
                size += 2 + int.from_bytes(properties[3 + size:5 + size], "big")
            if kind != REASON_STRING:
                shown[kind] = properties[3:3 + size]
            properties = properties[3 + size:]
        return body[1], shown

    def subscribe(self, topic, qos=0, version=4):
        self.send(packet(0x82, b"\x00\x07" + (b"\x00" if version == 5 else b"") + text(topic) + bytes([qos])))
        return self.packet()

    def publish(self, topic, payload, qos=0, retain=False, version=4):
        head = text(topic) + (b"\x00\x09" if qos else b"") + (b"\x00" if version == 5 else b"")
        self.send(packet(0x30 | qos << 1 | (1 if retain else 0), head + payload))

    def messages(self, acknowledge=True):
        """All that is on its way to this client, without waiting for silence: what its broker was told before has been dealt
        with when that answers a ping of who told it, and what comes of it is here before this client's own pings are
        answered: several, since a broker with threads may hand it on from one to the next. Acknowledges if told to."""
        for other in self.case_clients:
            if other is not self:
                other.read_ahead()
        seen, quiet = [], 0
        while quiet < QUIET_PINGS:
            self.read_ahead()
            quiet = 0 if self.ahead else quiet + 1
            while self.ahead:
                one = self.ahead.pop(0)
                if one == "closed":
                    self.ahead.append(one)
                    return [*seen, one]
                seen += self.take(*one, acknowledge)
        return seen

    def read_ahead(self):
        """Gets what comes before the answer to a ping."""
        if not self.is_connected or self.ahead[-1:] == ["closed"]:
            return
        self.send(packet(0xC0, b""))
        while (one := self.arriving()) != (0xD0, b""):
            if one == "nothing":
                raise AssertionError("a ping is not answered")
            self.ahead.append(one)
            if one == "closed":
                return

    def take(self, first, body, acknowledge):
        """What of a packet is compared: a list of one or none."""
        if first & 0xF0 == 0x60:
            if acknowledge:
                self.send(packet(0x70, body[:2]))
            return []
        if first & 0xF0 == 0x30 and first & 6:
            size = int.from_bytes(body[:2], "big")
            identifier = body[2 + size:4 + size]
            if acknowledge:
                self.send(packet(0x40 if first & 2 else 0x50, identifier))
            body = body[:2 + size] + body[4 + size:]
        return [(first & 0xF7, body)]

    def leave(self):
        """Says goodbye, and waits until the broker has heard it."""
        self.send(packet(0xE0, b""))
        while self.packet() != "closed":
            pass


class Side:
    """One of the two brokers with a case's files."""

    def __init__(self, test, command):
        self.test = test
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=test.folder)

    def wait(self, port):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"it does not listen at {port}:\n{self.text()[-3000:]}")

    def text(self):
        """What it has said."""
        self.log.seek(0)
        return self.log.read().decode()

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


class PeerCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.here = threading.local()  # `side` and `clients`: of the broker that this thread's script talks to
        self.written_options = set()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="martlet-peer-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.folder.chmod(0o755)
        cls.authority = Authority(cls.folder / "ca")
        cls.server = cls.authority.issue("server")
        cls.device = cls.authority.issue("client", subject="/O=Fleet/CN=sensor-1", names=())
        for path in cls.folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        users = cls.folder / "users"
        users.touch()
        for name, password in (("ada", "pw"), ("bob", "pw2")):
            run("mosquitto_passwd", "-b", str(users), name, password)
        users.chmod(0o644)

    def file(self, name, content):
        """A file that both may read, whoever they run as."""
        path = self.folder / name
        path.write_text(content)
        path.chmod(0o644)
        return path

    def conf(self, content, ports, plain=PLAIN):
        """Writes a mosquitto.conf; `content` has PORT1, PORT2 for ports, and FOLDER. Named for the test and the ports."""
        content = content.replace("FOLDER", str(self.folder))
        for i, port in enumerate(ports):
            content = content.replace(f"PORT{i + 1}", str(port))
        self.written_options |= {line.split()[0] for line in content.splitlines() if line.strip()}
        return self.file("-".join(map(str, (self.id().rsplit(".", 1)[1], *ports))) + ".conf", plain + content)

    def migrated(self, path):
        """The configuration that `martlet migrate` makes of it."""
        made = path.with_suffix(".toml")
        run(MARTLET, "migrate", "mosquitto", str(path), "--output", str(made), expect=None)
        run(MARTLET, "config", "check", str(made))
        return made

    def commands(self, path, migrate):
        yield ["mosquitto", "-c", str(path)]
        yield [MARTLET, "broker", "--mosquitto-conf", str(path)]
        if migrate:
            yield [MARTLET, "broker", "--config", str(self.migrated(path))]

    def seen(self, command, port, script):
        """What `script` returns of the broker that `command` starts, once it listens at `port`."""
        self.here.clients = []
        self.here.side = Side(self, command)
        try:
            self.here.side.wait(port)
            return script()
        finally:
            for client in self.here.clients:
                client.transport.close()
            self.here.side.stop()

    @property
    def side(self):
        return self.here.side

    def both(self, content, script, ready=lambda ports: ports[0], migrate=False, plain=PLAIN, at_once=True):
        """What `script` returns, a list, has to be the same; with `migrate` also of the migrated configuration. The brokers
        run at once, with ports and a mosquitto.conf each, unless they share something else."""
        talks = []
        for side in range(3 if migrate else 2):
            ports = [free_port(), free_port()]
            path = self.conf(content, ports, plain)
            command = list(self.commands(path, migrate=side == 2))[side]
            talks.append(functools.partial(self.seen, command, ready(ports), functools.partial(script, ports)))
        seen = together(*talks) if at_once else [talk() for talk in talks]
        for ours in seen[1:]:
            for step, (theirs, own) in enumerate(zip(seen[0], ours)):
                self.assertEqual(theirs, own, f"step {step + 1}: Mosquitto's first\n{path.read_text()}")
            self.assertEqual(len(seen[0]), len(ours))
        return seen[0]

    def client(self, port):
        client = Client(socket.create_connection(("127.0.0.1", port), PATIENCE_S), self.here.clients)
        self.here.clients.append(client)
        return client

    def connected(self, port, client_id, **options):
        client = self.client(port)
        answer = client.connack(client_id=client_id, **options)
        self.assertIn(answer if isinstance(answer, bytes) else answer[0], (b"\x00\x00", b"\x01\x00", 0))
        return client
