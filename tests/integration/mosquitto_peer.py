"""A mosquitto.conf, run by Debian's mosquitto, by `martlet broker --mosquitto-conf`, and as what `martlet migrate mosquitto`
makes of it; and a client that sees bytes."""

import functools
import pathlib
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from certificates import Authority
from peers import varint
from support import MARTLET, PATIENCE_S, packet, run, text

# CONNACK properties that are compared, with how many bytes their values have.
SHOWN = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
REASON_STRING = 0x1F  # Mosquitto has none
USER_PROPERTY = 0x26


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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


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

    def __init__(self, transport):
        self.transport = transport
        self.transport.settimeout(PATIENCE_S)
        self.buffer = b""

    def send(self, data):
        try:
            self.transport.sendall(data)
        except OSError:
            pass

    def packet(self, within_s=PATIENCE_S):
        """The next packet as (first byte, body), or what happened instead."""
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

    def messages(self, within_s=0.6):
        """All that comes until it is quiet; QoS 1 is acknowledged."""
        seen = []
        while True:
            one = self.packet(within_s)
            if isinstance(one, str):
                return seen + ([one] if one == "closed" else [])
            first, body = one
            if first & 0xF0 == 0x30 and first & 6:
                size = int.from_bytes(body[:2], "big")
                identifier = body[2 + size:4 + size]
                self.send(packet(0x40 if first & 2 else 0x50, identifier))
                body = body[:2 + size] + body[4 + size:]
            if first & 0xF0 != 0x60:
                seen.append((first & 0xF7, body))
            else:
                self.send(packet(0x70, body[:2]))


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
        self.clients = []
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

    def conf(self, content, ports, plain="persistence false\nuser root\n"):
        """Writes a mosquitto.conf; `content` has PORT1, PORT2 for ports, and FOLDER."""
        content = content.replace("FOLDER", str(self.folder))
        for i, port in enumerate(ports):
            content = content.replace(f"PORT{i + 1}", str(port))
        self.written_options |= {line.split()[0] for line in content.splitlines() if line.strip()}
        return self.file(f"{self.id().rsplit('.', 1)[1]}.conf", plain + content)

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

    def both(self, content, script, ready=lambda ports: ports[0], migrate=False, plain="persistence false\nuser root\n"):
        """What `script` returns, a list, has to be the same; with `migrate` also of the migrated configuration."""
        ports = [free_port(), free_port()]
        path = self.conf(content, ports, plain)
        seen = []
        for command in self.commands(path, migrate):
            self.side = Side(self, command)
            try:
                self.side.wait(ready(ports))
                seen.append(script(ports))
            finally:
                self.close_clients()
                self.side.stop()
        for ours in seen[1:]:
            for step, (theirs, own) in enumerate(zip(seen[0], ours)):
                self.assertEqual(theirs, own, f"step {step + 1}: Mosquitto's first\n{path.read_text()}")
            self.assertEqual(len(seen[0]), len(ours))
        return seen[0]

    def close_clients(self):
        for client in self.clients:
            client.transport.close()
        self.clients = []

    def client(self, port):
        client = Client(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
        self.clients.append(client)
        return client

    def connected(self, port, client_id, **options):
        client = self.client(port)
        answer = client.connack(client_id=client_id, **options)
        self.assertIn(answer if isinstance(answer, bytes) else answer[0], (b"\x00\x00", b"\x01\x00", 0))
        return client
