"""Mosquitto's configuration means the same to us: each case's file is run by Debian's mosquitto and by `martlet broker
--mosquitto-conf`, the same client script talks to both, and what it saw has to be equal."""

import pathlib
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

from certificates import Authority
from peers import varint
from support import MARTLET, PATIENCE_S, packet, run, text
from test_websocket import RawWebSocket

PSK = "00112233445566778899aabbccddeeff"
# CONNACK properties that are compared, with how many bytes their values have.
SHOWN = {0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
# Receive maximum and topic alias maximum: what we allow without being told otherwise is more than Mosquitto's 20 and 10.
MORE_IS_FINE = (0x21, 0x22)


def refusal(code):
    """Mosquitto 2.0 calls a wrong password "not authorized"; we use the code that the specification has for it."""
    return {b"\x00\x04": b"\x00\x05", 0x86: 0x87}.get(code, code)


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
            return answer if isinstance(answer, str) else refusal(answer[1])
        body = answer[1]
        shown, properties = {}, body[3:3 + body[2]] if len(body) > 2 else b""
        while properties:
            kind = properties[0]
            if kind in SHOWN:
                shown[kind] = int.from_bytes(properties[1:1 + SHOWN[kind]], "big")
                properties = properties[1 + SHOWN[kind]:]
            elif kind in (0x11,):
                properties = properties[5:]
            elif kind == 0x26:
                name = int.from_bytes(properties[1:3], "big")
                value = int.from_bytes(properties[3 + name:5 + name], "big")
                properties = properties[5 + name + value:]
            else:
                size = int.from_bytes(properties[1:3], "big")
                shown[kind] = "text" if kind != 0x1F else None
                properties = properties[3 + size:]
        for kind in (0x1F, *MORE_IS_FINE):
            shown.pop(kind, None)
        return refusal(body[1]), shown

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
        self.log.seek(0)
        raise AssertionError(f"it does not listen at {port}:\n{self.log.read().decode()[-3000:]}")

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


class MosquittoPeer(unittest.TestCase):
    maxDiff = None

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

    def both(self, content, script, ready=lambda ports: ports[0]):
        """`content` has PORT1, PORT2 for ports."""
        ports = [free_port(), free_port()]
        for i, port in enumerate(ports):
            content = content.replace(f"PORT{i + 1}", str(port))
        path = self.folder / f"{self.id().rsplit('.', 1)[1]}.conf"
        path.write_text("persistence false\nuser root\n" + content)
        seen = []
        for command in (["mosquitto", "-c", str(path)], [MARTLET, "broker", "--mosquitto-conf", str(path)]):
            side = Side(self, command)
            try:
                side.wait(ready(ports))
                self.clients = []
                seen.append(script(ports))
            finally:
                for client in self.clients:
                    client.transport.close()
                side.stop()
        for step, (theirs, ours) in enumerate(zip(*seen)):
            self.assertEqual(theirs, ours, f"step {step + 1}: Mosquitto's first")
        self.assertEqual(len(seen[0]), len(seen[1]))

    def client(self, port):
        client = Client(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
        self.clients.append(client)
        return client

    def connected(self, port, client_id, **options):
        client = self.client(port)
        answer = client.connack(client_id=client_id, **options)
        self.assertIn(answer if isinstance(answer, bytes) else answer[0], (b"\x00\x00", b"\x01\x00", 0))
        return client

    def test_anonymous_or_not(self):
        for allowed in ("true", "false"):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous {allowed}\n",
                      lambda ports: [self.client(ports[0]).connack(), self.client(ports[0]).connack(user=b"x", password=b"y"),
                                     self.client(ports[0]).connack(version=5)[0]])

    def test_defaults_told_in_connack(self):
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\n",
                  lambda ports: [self.client(ports[0]).connack(version=5, client_id=b"five")])

    def test_passwords(self):
        def script(ports):
            return [self.client(ports[0]).connack(**who) for who in (
                {"user": b"ada", "password": b"pw"}, {"user": b"ada", "password": b"wrong"}, {"user": b"eve", "password": b"pw"},
                {"user": b"ada"}, {})] + [self.client(ports[0]).connack(version=5, user=b"ada", password=b"no")[0]]
        self.both(f"listener PORT1 127.0.0.1\npassword_file {self.folder}/users\n", script)

    def test_rules(self):
        acl = self.folder / "acl"
        acl.write_text("topic read public/#\nuser ada\ntopic readwrite a/#\ntopic deny a/secret\npattern write own/%u/%c\n")
        acl.chmod(0o644)

        def script(ports):
            ada = self.connected(ports[0], b"ada1", user=b"ada", password=b"pw")
            bob = self.connected(ports[0], b"bob1", user=b"bob", password=b"pw2")
            seen = [ada.subscribe(b"#"), bob.subscribe(b"#"), bob.subscribe(b"a/+")]
            for topic in (b"a/1", b"a/secret", b"public/1", b"own/ada/ada1", b"own/ada/other"):
                ada.publish(topic, b"x", qos=1)
                seen.append(("ada", topic, ada.messages(), bob.messages(0.3)))
            five = self.connected(ports[0], b"five", version=5, user=b"ada", password=b"pw")
            five.publish(b"a/secret", b"x", qos=1, version=5)
            answer = five.packet()
            return seen + [answer[1][:3]]
        self.both(f"listener PORT1 127.0.0.1\npassword_file {self.folder}/users\nacl_file {acl}\n", script)

    def test_limits_of_a_listener(self):
        def script(ports):
            first = self.connected(ports[0], b"one")
            # Mosquitto closes without a word; we say why.
            answers = [self.client(ports[0]).connack(client_id=b"two") in ("closed", b"\x00\x03")]
            first.send(packet(0xE0, b""))
            time.sleep(0.2)
            return answers + [self.client(ports[0]).connack(client_id=b"three")]
        # Probing the first port would count.
        self.both("allow_anonymous true\nlistener PORT1 127.0.0.1\nmax_connections 1\nlistener PORT2 127.0.0.1\n", script,
                  ready=lambda ports: ports[1])

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

    def test_quality_of_service(self):
        def script(ports):
            sender, receiver = self.connected(ports[0], b"s"), self.connected(ports[0], b"r")
            seen = [receiver.subscribe(b"t", 2)]
            for qos in (0, 1):
                sender.publish(b"t", b"q%d" % qos, qos=qos)
                seen.append((sender.messages(0.3), receiver.messages()))
            five = self.client(ports[0])
            return seen + [five.connack(version=5, client_id=b"five")]
        for options in ("upgrade_outgoing_qos true\n", "max_qos 1\n", ""):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous true\n{options}", script)

    def test_queues(self):
        def script(ports):
            keeper = self.connected(ports[0], b"keeper", clean=False)
            seen = [keeper.subscribe(b"t", 1)]
            keeper.transport.close()
            time.sleep(0.2)
            sender = self.connected(ports[0], b"s")
            for i in range(8):
                sender.publish(b"t", b"%d" % i, qos=1)
                sender.packet()
            sender.publish(b"t", b"zero")
            time.sleep(0.2)
            again = self.connected(ports[0], b"keeper", clean=False)
            return seen + [again.messages()]
        for options in ("max_queued_messages 5\n", "queue_qos0_messages true\n", ""):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous true\n{options}", script)

    def test_mount_points(self):
        def script(ports):
            inside, outside = self.connected(ports[0], b"in"), self.connected(ports[1], b"out")
            seen = [inside.subscribe(b"#"), outside.subscribe(b"#")]
            for sender, topic in ((inside, b"a"), (outside, b"site/b"), (outside, b"c")):
                sender.publish(topic, b"x")
                # The one that Debian has forgets to take the mount point off again, against its own manual.
                here = [(first, re.sub(rb"^\x00.site/", b"", body).lstrip(b"\x00\x01")) for first, body in inside.messages(0.4)]
                seen.append((here, outside.messages(0.4)))
            return seen
        self.both("allow_anonymous true\nlistener PORT1 127.0.0.1\nmount_point site/\nlistener PORT2 127.0.0.1\n", script)

    def test_user_names_as_identifiers(self):
        def script(ports):
            first = self.connected(ports[0], b"x", user=b"ada", password=b"pw")
            second = self.connected(ports[0], b"y", user=b"ada", password=b"pw")
            return [first.messages(1.0), second.subscribe(b"t"), self.client(ports[0]).connack()]
        self.both(f"listener PORT1 127.0.0.1\npassword_file {self.folder}/users\nuse_username_as_clientid true\n", script)

    def test_websockets(self):
        def script(ports):
            with RawWebSocket(ports[1]) as web:
                web.send(2, connect(b"web") + packet(0x82, b"\x00\x07" + text(b"w") + b"\x00"))
                seen = b""
                while len(seen) < 9:
                    seen += web.receive()[1]
                self.connected(ports[0], b"tcp").publish(b"w", b"hello")
                return [web.status, seen, web.receive()]
        self.both("allow_anonymous true\nlistener PORT1 127.0.0.1\nlistener PORT2 127.0.0.1\nprotocol websockets\n", script, ready=lambda ports: ports[1])

    def test_tls_and_identities(self):
        acl = self.folder / "tls-acl"
        acl.write_text("user sensor-1\ntopic readwrite own/#\n")
        acl.chmod(0o644)

        def over_tls(port, with_certificate):
            context = ssl.create_default_context(cafile=self.authority.ca)
            if with_certificate:
                context.load_cert_chain(*self.device)
            try:
                client = Client(context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE_S), server_hostname="localhost"))
                self.clients.append(client)
                return client
            except OSError:
                return None

        def script(ports):
            client = over_tls(ports[0], True)
            seen = [client.connack(client_id=b"dev"), client.subscribe(b"own/1")]
            client.publish(b"own/1", b"mine", qos=1)
            seen.append(sorted(client.messages()))
            client.publish(b"other", b"not mine", qos=1)
            seen.append(client.messages(0.4))
            bare = over_tls(ports[0], False)
            return seen + [bare.connack() if bare else "closed"]
        for identity in ("use_identity_as_username true\n",):
            self.both(f"listener PORT1 127.0.0.1\ncafile {self.authority.ca}\ncertfile {self.server[0]}\nkeyfile {self.server[1]}\n"
                      f"require_certificate true\n{identity}acl_file {acl}\nallow_anonymous false\n", script)

    def test_pre_shared_keys(self):
        keys = self.folder / "psk"
        keys.write_text(f"meter:{PSK}\n")
        keys.chmod(0o644)

        def script(ports):
            return [run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(ports[0]), "--psk", key, "--psk-identity", name, "-t", "t", "-m", "x",
                        "-q", "1", expect=None).returncode == 0
                    for key, name in ((PSK, "meter"), ("ff" * 16, "meter"), (PSK, "thief"))]
        self.both(f"listener PORT1 127.0.0.1\npsk_file {keys}\npsk_hint hint\nuse_identity_as_username true\nallow_anonymous false\n", script)

    def test_in_flight(self):
        def script(ports):
            receiver, sender = self.connected(ports[0], b"r"), self.connected(ports[0], b"s")
            seen = [receiver.subscribe(b"t", 1)]
            for i in range(6):
                sender.publish(b"t", b"%d" % i, qos=1)
                sender.packet()
            got = []
            while not isinstance(one := receiver.packet(0.5), str):
                got.append(one[1][-1:])
            return seen + [got]
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 3\n", script)


if __name__ == "__main__":
    unittest.main()
