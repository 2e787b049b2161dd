"""Listeners of every kind at once, and a broker as a service: Unix sockets, PROXY headers, mount points, versions, sockets
that are handed over, what the service manager is told, another user."""

import os
import pathlib
import pwd
import re
import socket
import stat
import struct
import subprocess
import tempfile
import time
import unittest

from peers import connect_packet
from support import MARTLET, PATIENCE_S, Broker, packet, run, text, wait_until
from test_tls import listener

PROXY_2 = b"\r\n\r\n\x00\r\nQUIT\n"


class Talker:
    """A connected socket that speaks MQTT 3.1.1 unless told otherwise."""

    def __init__(self, connection, client_id, before=b"", version=4):
        self.socket = connection
        self.socket.settimeout(PATIENCE_S)
        self.socket.sendall(before + connect_packet(client_id, version=version))
        self.answer = self.read(5 if version == 5 else 4)

    def read(self, count):
        taken = b""
        while len(taken) < count:
            piece = self.socket.recv(count - len(taken))
            if not piece:
                raise EOFError(taken)
            taken += piece
        return taken

    def subscribe(self, topic):
        self.socket.sendall(packet(0x82, b"\x00\x01" + text(topic) + b"\x00"))
        assert self.read(5) == b"\x90\x03\x00\x01\x00"

    def publish(self, topic, payload):
        self.socket.sendall(packet(0x30, text(topic) + payload))

    def expect(self, topic, payload):
        wanted = packet(0x30, text(topic) + payload)
        assert self.read(len(wanted)) == wanted


class Listeners(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="martlet-listeners-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, content, *arguments, **options):
        path = self.folder / "martlet.toml"
        path.write_text(content)
        broker = Broker("--config", str(path), *arguments, listen=None, **options)
        self.addCleanup(broker.stop)
        return broker

    def talker(self, port, client_id, **options):
        connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.addCleanup(connection.close)
        return Talker(connection, client_id, **options)

    def unix_talker(self, path, client_id):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        self.addCleanup(connection.close)
        return Talker(connection, client_id)

    def test_unix_sockets(self):
        path = str(self.folder / "mqtt.sock")
        for threads in ("1", "2"):
            broker = self.start(f'[[listener]]\naddress = "unix:{path}"\nunix_mode = "0600"\n' + listener(), "--threads", threads)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            names = [b"unix-%d" % i for i in range(8)]
            talkers = [self.unix_talker(path, name) for name in names]
            for talker in talkers:
                talker.subscribe(b"u/#")
            self.talker(broker.port, b"tcp").publish(b"u/1", b"hello")
            for talker in talkers:
                talker.expect(b"u/1", b"hello")
            broker.wait_for_log("unix:uid=")
            broker.stop()
            self.assertFalse(os.path.exists(path))

    def test_a_dead_unix_socket_is_replaced_and_a_live_one_is_not(self):
        path = str(self.folder / "mqtt.sock")
        config = f'[[listener]]\naddress = "unix:{path}"\n' + listener()
        broker = self.start(config)
        other = run(MARTLET, "broker", "--config", str(self.folder / "martlet.toml"), "--data", "none", expect=1)
        self.assertIn(path.encode(), other.stderr)
        broker.process.kill()
        broker.process.wait()
        self.assertTrue(os.path.exists(path))
        self.start(config)
        self.unix_talker(path, b"again")

    def test_proxy_headers_name_the_client(self):
        broker = self.start(listener(proxy_protocol=True, proxy_trusted=["127.0.0.0/8"]) + listener())
        v1 = b"PROXY TCP4 203.0.113.7 198.51.100.1 40001 1883\r\n"
        v2 = PROXY_2 + struct.pack("!BBH", 0x21, 0x21, 36) + socket.inet_pton(socket.AF_INET6, "2001:db8::7") + \
            socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack("!HH", 40002, 1883)
        local = PROXY_2 + struct.pack("!BBH", 0x20, 0, 0)
        for name, header in ((b"one", v1), (b"two", v2), (b"check", local)):
            self.assertEqual(self.talker(broker.ports[0], name, before=header).answer, b"\x20\x02\x00\x00")
        for shown in ('"one" at 203.0.113.7:40001', '"two" at [2001:db8::7]:40002', '"check" at 127.0.0.1:'):
            broker.wait_for_log(re.escape(shown))
        with self.assertRaises((EOFError, ConnectionError)):
            self.talker(broker.ports[0], b"bare")
        with self.assertRaises((EOFError, ConnectionError)):
            self.talker(broker.ports[0], b"bad", before=b"PROXY TCP4 nonsense\r\n")
        broker.wait_for_log("PROXY")

    def test_limits_by_address_hold_behind_a_proxy(self):
        broker = self.start("[abuse]\nexempt = []\nmax_connections_per_address = 2\n" + listener(proxy_protocol=True))

        def come(address, name):
            return self.talker(broker.port, name, before=b"PROXY TCP4 %s 198.51.100.1 1 1883\r\n" % address)

        come(b"203.0.113.7", b"a")
        come(b"203.0.113.7", b"b")
        with self.assertRaises((EOFError, ConnectionError)):
            come(b"203.0.113.7", b"c")
        come(b"203.0.113.8", b"d")
        broker.wait_for_log("max_connections_per_address")

    def test_who_is_no_proxy_is_counted_where_proxies_are_awaited(self):
        broker = self.start("[abuse]\nexempt = []\nmax_connections_per_address = 2\n" +
                            listener(proxy_protocol=True, proxy_trusted=["203.0.113.0/24"]))
        silent = [socket.create_connection(("127.0.0.1", broker.port), PATIENCE_S) for _ in range(3)]
        for one in silent:
            self.addCleanup(one.close)
        try:
            self.assertEqual(silent[2].recv(1), b"")
        except ConnectionError:
            pass
        broker.wait_for_log("max_connections_per_address")

    def test_mount_points_and_versions(self):
        broker = self.start(listener(mount_point="site1/") + listener() + listener(versions=["5.0"]))
        inside, outside = self.talker(broker.ports[0], b"in"), self.talker(broker.ports[1], b"out")
        inside.subscribe(b"news/#")
        outside.subscribe(b"site1/#")
        outside.publish(b"site1/news/1", b"from outside")
        outside.expect(b"site1/news/1", b"from outside")
        inside.expect(b"news/1", b"from outside")
        inside.publish(b"news/2", b"from inside")
        inside.expect(b"news/2", b"from inside")
        outside.expect(b"site1/news/2", b"from inside")
        self.assertEqual(self.talker(broker.ports[2], b"old").answer[3], 1)
        self.assertEqual(self.talker(broker.ports[2], b"new", version=5).answer[3], 0)

    def test_a_service(self):
        notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notices.close)
        notices.bind(str(self.folder / "notify"))
        notices.settimeout(PATIENCE_S)
        control = self.folder / "control.sock"
        broker = self.start(listener(), "--set", f"server.control={control}",
                            environment={"NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "400000"})
        self.assertTrue(notices.recv(4096).startswith(b"READY=1"))
        seen = [notices.recv(4096) for _ in range(5)]
        self.assertEqual(seen, [b"WATCHDOG=1"] * 5)
        run(MARTLET, "ctl", "reload", "--control", str(control))
        told = []
        while b"READY=1" not in told:
            told.append(notices.recv(4096))
        self.assertTrue(any(one.startswith(b"RELOADING=1\nMONOTONIC_USEC=") for one in told), told)
        broker.stop()
        while told[-1] != b"STOPPING=1":
            told.append(notices.recv(4096))

    def test_a_socket_that_was_opened_before(self):
        door = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(door.close)
        config = self.folder / "martlet.toml"
        config.write_text('[[listener]]\naddress = "127.0.0.1:1"\nname = "mqtt"\n')
        log = open(self.folder / "log", "w+b")
        self.addCleanup(log.close)
        script = 'exec 3<&"$1"; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=mqtt; shift; exec "$@"'
        for threads in ("1", "2"):
            process = subprocess.Popen(
                ["bash", "-c", script, "-", str(door.fileno()), MARTLET, "broker", "--config", str(config), "--data", "none",
                 "--threads", threads], stdout=log, stderr=log, pass_fds=[door.fileno()])
            try:
                talkers = [self.talker(door.getsockname()[1], b"early-%d" % i) for i in range(6)]
                for talker in talkers:
                    self.assertEqual(talker.answer, b"\x20\x02\x00\x00")
            finally:
                process.terminate()
                self.assertEqual(process.wait(PATIENCE_S), 0, pathlib.Path(log.name).read_text())

    def test_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        nobody = pwd.getpwnam("nobody")
        data = self.folder / "data"
        data.mkdir()
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        os.chmod(self.folder, 0o755)
        broker = self.start(listener(), "--set", "server.user=nobody", "--data", str(data))
        status = pathlib.Path(f"/proc/{broker.process.pid}/status").read_text()
        self.assertIn(f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}", status)
        self.assertRegex(status, r"CapEff:\t0+\n")
        self.talker(broker.port, b"anyone")
        refused = run(MARTLET, "broker", "--set", "server.user=no-such-user", "--data", "none", "--listen", "127.0.0.1:0", expect=2)
        self.assertIn(b"no-such-user", refused.stderr)


if __name__ == "__main__":
    unittest.main()
