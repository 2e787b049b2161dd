"""A running broker reads its configuration again: nobody is dropped, what is wrong changes nothing."""

import hashlib
import os
import pathlib
import signal
import socket
import ssl
import tempfile
import unittest

from certificates import Authority
from peers import connect_packet
from support import MARTLET, Broker, packet, run, text, wait_until
from test_tls import listener

CLIENTS = 1_000
RELOADS = 100


def tls_socket(port, ca):
    context = ssl.create_default_context(cafile=ca)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="localhost")


def served_fingerprint(port, ca):
    with tls_socket(port, ca) as connection:
        return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()


def fingerprint_of(path):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pathlib.Path(path).read_text())).hexdigest()


class Reload(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="martlet-reload-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = self.folder / "martlet.toml"

    def start(self, content):
        self.config.write_text(content)
        self.control = str(self.folder / "control.sock")
        broker = Broker("--config", str(self.config), "--set", f"server.control={self.control}", listen=None)
        self.addCleanup(broker.stop)
        return broker

    def reload(self, expect=0):
        done = run(MARTLET, "ctl", "reload", "--control", self.control, expect=expect)
        return (done.stdout + done.stderr).decode()

    def test_a_thousand_clients_and_a_hundred_certificates(self):
        authority = Authority(self.folder / "ca")
        pairs = [authority.issue(f"server{i}") for i in range(4)]
        certificate, key = self.folder / "now.pem", self.folder / "now.key"

        def install(pair):
            for source, target in zip(pair, (certificate, key)):
                fresh = target.with_suffix(".new")
                fresh.write_bytes(pathlib.Path(source).read_bytes())
                os.replace(fresh, target)

        install(pairs[0])
        broker = self.start(listener(tls__certificate=str(certificate), tls__key=str(key)) + listener())
        clients = []
        for i in range(CLIENTS):
            if i % 4 == 0:
                client = tls_socket(broker.ports[0], authority.ca)
            else:
                client = socket.create_connection(("127.0.0.1", broker.ports[1]), 20)
            self.addCleanup(client.close)
            client.settimeout(20)
            client.sendall(connect_packet(b"client-%d" % i, version=4) + packet(0x82, b"\x00\x01" + text(b"news/#") + b"\x00"))
            received = b""
            while len(received) < 9:
                received += client.recv(64)
            self.assertEqual(received, b"\x20\x02\x00\x00\x90\x03\x00\x01\x00")
            clients.append(client)
        for i in range(RELOADS):
            pair = pairs[(i + 1) % len(pairs)]
            install(pair)
            self.reload()
            self.assertEqual(served_fingerprint(broker.ports[0], authority.ca), fingerprint_of(pair[0]), f"reload {i}")
        with socket.create_connection(("127.0.0.1", broker.ports[1])) as publisher:
            publisher.sendall(connect_packet(b"publisher", version=4) + packet(0x30, text(b"news/1") + b"still there"))
            for client in clients:
                received = b""
                while len(received) < 21:
                    piece = client.recv(64)
                    self.assertTrue(piece, "the client was dropped")
                    received += piece
                self.assertEqual(received, packet(0x30, text(b"news/1") + b"still there"))

    def test_a_certificate_that_is_replaced_is_noticed(self):
        authority = Authority(self.folder / "ca")
        first, second = authority.issue("first"), authority.issue("second")
        certificate, key = self.folder / "now.pem", self.folder / "now.key"
        for target, source in ((certificate, first[0]), (key, first[1])):
            target.write_bytes(pathlib.Path(source).read_bytes())
        broker = self.start(listener(tls__certificate=str(certificate), tls__key=str(key)))
        self.assertEqual(served_fingerprint(broker.port, authority.ca), fingerprint_of(first[0]))
        for target, source in ((key, second[1]), (certificate, second[0])):
            target.write_bytes(pathlib.Path(source).read_bytes())
        wait_until(lambda: served_fingerprint(broker.port, authority.ca) == fingerprint_of(second[0]), "the new certificate",
                   broker.log)

    def test_a_reload_opens_no_door_that_a_start_refuses(self):
        users = self.folder / "users"
        run(MARTLET, "passwd", "-c", "-b", str(users), "ada", "right")
        door = '[[listener]]\naddress = "0.0.0.0:0"\n'
        broker = self.start(listener() + door + f'[[authentication]]\nkind = "file"\npath = "{users}"\n')
        self.config.write_text(listener() + door)
        self.assertIn("lets in whoever comes", self.reload(expect=1))
        done = run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "t", "-m", "x", expect=None)
        self.assertNotEqual(done.returncode, 0)

    def test_limits_of_a_listener_hold_for_new_clients(self):
        broker = self.start(listener(name="in", receive_maximum=3))

        def connack(client_id):
            client = socket.create_connection(("127.0.0.1", broker.port), 20)
            self.addCleanup(client.close)
            client.sendall(connect_packet(client_id, version=5))
            return client, client.recv(512)

        receive_maximum = b"\x21\x00%c"
        first, told = connack(b"one")
        self.assertIn(receive_maximum % 3, told)
        self.config.write_text(listener(name="in", receive_maximum=4, keep_alive_max="7s", max_packet_size="2 KiB"))
        report = self.reload()
        for key in ("receive_maximum", "keep_alive_max", "max_packet_size"):
            self.assertIn(f": {key}", report)
        self.assertNotIn("restart", report)
        told = connack(b"two")[1]
        self.assertIn(receive_maximum % 4, told)
        self.assertIn(b"\x13\x00\x07", told)
        self.assertIn(b"\x27\x00\x00\x08\x00", told)
        # Two are there.
        self.config.write_text(listener(name="in", max_connections=2))
        self.assertIn("max_connections", self.reload())
        self.assertEqual(connack(b"three")[1][3], 0x89)
        first.sendall(b"\xc0\x00")
        self.assertEqual(first.recv(2), b"\xd0\x00")
        self.config.write_text(listener(name="in"))
        self.reload()
        told = connack(b"four")[1]
        self.assertEqual(told[3], 0)
        self.assertNotIn(receive_maximum % 4, told)

    def test_listeners_on_ports_that_the_system_chose_keep_apart(self):
        users = self.folder / "users"
        run(MARTLET, "passwd", "-c", "-b", str(users), "ada", "right")
        table = f'[[authentication]]\nkind = "file"\npath = "{users}"\n'
        closed = listener(name="closed", allow_anonymous=False)
        everybody = listener(name="open", allow_anonymous=True)

        def answers(port):
            with socket.create_connection(("127.0.0.1", port), 20) as client:
                client.sendall(connect_packet(b"c%d" % port, version=4))
                return client.recv(4)[3]

        broker = self.start(everybody + closed + table)
        not_authorized = 5
        for content in (everybody + closed, closed + everybody, everybody):
            self.config.write_text(content + table)
            self.reload()
            self.assertEqual([answers(port) for port in broker.ports], [0, not_authorized], content)

    def test_a_new_listener_is_checked_though_it_waits_for_a_restart(self):
        self.start(listener(name="in"))
        self.config.write_text(listener(name="in") + listener(name="new", tls__certificate="/nowhere.pem",
                                                              tls__key="/nowhere.key").replace(":0", ":1"))
        told = self.reload(expect=1)
        self.assertIn("cannot open '/nowhere.pem'", told)
        self.assertIn("nothing was changed", told)
        checked = run(MARTLET, "config", "check", str(self.config), expect=2).stderr.decode()
        for line in checked.strip().splitlines():
            self.assertIn(line.split(": ", 1)[1], told)

    def test_a_reload_says_what_a_start_says(self):
        rules = self.folder / "rules.toml"
        rules.write_text('[[rule]]\neffect = "allow"\nall = "#"\n')
        good = listener(name="in") + f'[[authorization]]\nkind = "rules"\npath = "{rules}"\n'
        self.start(good)
        rules.write_text('[[rule]]\neffect = "allow"\nall = "#"\nlistener = "new"\n')
        told = self.reload(expect=1)
        self.assertIn(f'{self.config}:6: authorization 1: path: {rules}:1: listener: there is no [[listener]]', told)
        checked = run(MARTLET, "config", "check", str(self.config), expect=2).stderr.decode()
        self.assertIn(checked.strip().split(": ", 1)[1], told)
        # A rule may name a listener that a restart opens.
        self.config.write_text(good + listener(name="new").replace(":0", ":1"))
        self.assertIn("restart", self.reload())

    def test_users_and_rules_change_and_errors_change_nothing(self):
        users = self.folder / "users"
        run(MARTLET, "passwd", "-c", "-b", str(users), "ada", "first")
        rules = self.folder / "rules.toml"
        rules.write_text('[[rule]]\neffect = "allow"\nuser = "ada"\nall = "#"\n')
        good = (listener() + f'[[authentication]]\nkind = "file"\npath = "{users}"\n'
                f'[[authorization]]\nkind = "rules"\npath = "{rules}"\n')
        broker = self.start(good)

        def publish(password):
            return run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-u", "ada", "-P", password, "-V", "5", "-q",
                       "1", "-t", "a/b", "-m", "x", expect=None)

        self.assertEqual(publish("first").returncode, 0)
        run(MARTLET, "passwd", "-b", str(users), "ada", "second")
        self.assertNotEqual(publish("second").returncode, 0)
        self.reload()
        self.assertEqual(publish("second").returncode, 0)
        self.assertNotEqual(publish("first").returncode, 0)

        rules.write_text('[[rule]]\neffect = "allow"\nuser = "ada"\nall = "#"\nadress = "::1"\n')
        told = self.reload(expect=1)
        self.assertRegex(told, r"rules\.toml:5.*address")
        self.assertEqual(publish("second").returncode, 0)
        self.assertNotIn(b"Not authorized", publish("second").stderr)

        rules.write_text('[[rule]]\neffect = "deny"\nall = "a/#"\n')
        before = broker.log().count("reload")
        broker.kill(signal.SIGHUP)
        wait_until(lambda: broker.log().count("reload") > before, "the reload", broker.log)
        self.assertIn(b"ot authorized", publish("second").stderr + publish("second").stdout)

        self.config.write_text(good.replace("127.0.0.1:0", "127.0.0.1:1"))
        self.assertIn("restart", self.reload())
        self.config.write_text(good + "[limits]\nmax_in_fligth = 3\n")
        self.assertIn("max_in_flight", self.reload(expect=1))


if __name__ == "__main__":
    unittest.main()
