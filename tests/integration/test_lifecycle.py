"""Start and stop, options, errors and signals of the broker process."""

import array
import fcntl
import os
import re
import signal
import socket
import subprocess
import tempfile
import termios
import unittest

from support import MARTLET, PATIENCE_S, Broker, RawClient, publish, run, subscribe, text, packet


class Stopping(unittest.TestCase):
    def test_signals_stop_cleanly_and_tell_the_clients(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number), Broker() as broker:
                modern, old = RawClient(broker.port), RawClient(broker.port)
                modern.connect("modern")
                old.connect("old", version=4)
                self.assertEqual(broker.stop(number), 0)
                header, body = modern.read_packet()
                self.assertEqual((header, body[0]), (0xE0, 0x8B))
                self.assertEqual(modern.rest(), b"")
                self.assertEqual(old.rest(), b"")

    def test_a_will_is_published_when_the_server_stops(self):
        with Broker() as broker, RawClient(broker.port) as watcher, RawClient(broker.port) as owner:
            watcher.connect("watcher")
            watcher.send(subscribe("last/#"))
            watcher.read_packet()
            body = b"\x00\x04MQTT\x05\x06\x00\x00\x00" + text("owner") + b"\x00" + text("last/will") + text("bye")
            owner.send(packet(0x10, body))
            owner.read_packet()
            broker.stop()
            self.assertEqual(watcher.read_packet(), (0x30, b"\x00\x09last/will\x00bye"))
            self.assertEqual(watcher.read_packet()[0], 0xE0)

    def test_the_verdicts_can_be_asked_for(self):
        with Broker() as broker, RawClient(broker.port) as client:
            client.connect("asker")
            client.send(publish("nobody/listens", b"x", qos=1))
            client.read_packet()
            broker.kill(signal.SIGUSR1)
            broker.wait_for_log(r'no_subscriber client="asker" topic="nobody/listens"')
            self.assertEqual(broker.process.poll(), None)


class Unread(unittest.TestCase):
    """A broker whose standard error is a pipe that nobody reads."""

    def setUp(self):
        command = [MARTLET, "broker", "--listen", "127.0.0.1:0", "--set", "log.level=debug", "--set", "log.lines_per_second=0"]
        command += ["--data", "none"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end)
        self.port = int(re.search(rb"127\.0\.0\.1:(\d+)", self.process.stdout.readline()).group(1))

    def end(self):
        self.process.kill()
        self.process.communicate()

    def test_the_log_stops_nobody(self):
        with RawClient(self.port) as witness:
            witness.connect("witness")
            for number in range(5_000):
                with RawClient(self.port) as client:
                    client.connect(f"client-{number}")
            self.assertGreater(self.unread_bytes(), 32_768, "the pipe did not fill up: this test tests nothing")
            witness.send(b"\xc0\x00")
            self.assertEqual(witness.read_packet(), (0xD0, b""))
            self.process.send_signal(signal.SIGTERM)
            self.assertEqual(self.process.wait(PATIENCE_S), 0)
            self.assertEqual(witness.read_packet()[0], 0xE0)

    def unread_bytes(self):
        count = array.array("i", [0])
        fcntl.ioctl(self.process.stderr, termios.FIONREAD, count)
        return count[0]


class Starting(unittest.TestCase):
    def refused(self, *arguments):
        done = run(MARTLET, *arguments, expect=2)
        return done.stderr.decode()

    def config(self, content):
        file = tempfile.NamedTemporaryFile("w", suffix=".toml")
        file.write(content)
        file.flush()
        self.addCleanup(file.close)
        return file.name

    def test_version(self):
        out = run(MARTLET, "--version").stdout.decode()
        self.assertRegex(out, r"martlet \d+\.\d+\.\d+")
        self.assertRegex(out, r"[0-9a-f]{7,}")
        self.assertRegex(out, r"(GNU|Clang|GCC|gcc|g\+\+)")

    def test_help_everywhere(self):
        for arguments in (["--help"], ["broker", "--help"], ["pub", "--help"], ["sub", "--help"]):
            with self.subTest(arguments=arguments):
                self.assertIn(b"Usage", run(MARTLET, *arguments).stdout)

    def test_unknown_command_and_option_name_the_nearest(self):
        self.assertIn("broker", self.refused("brokr"))
        self.assertIn("--listen", self.refused("broker", "--lisen", "127.0.0.1:0"))
        self.assertIn("limits.max_packet_size", self.refused("broker", "--set", "limits.max_paket_size=1"))

    def test_unknown_key_in_the_file_names_line_and_nearest(self):
        name = self.config("# comment\n[limits]\nmax_paket_size = 1000\n")
        error = self.refused("broker", "--config", name, "--listen", "127.0.0.1:0")
        self.assertIn(f"{name}:3", error)
        self.assertIn("max_packet_size", error)

    def test_bad_value_and_bad_toml_name_the_line(self):
        name = self.config('[limits]\nmax_packet_size = "many"\n')
        self.assertIn(f"{name}:2", self.refused("broker", "--config", name, "--listen", "127.0.0.1:0"))
        name = self.config("[limits\n")
        self.assertIn(f"{name}:1", self.refused("broker", "--config", name, "--listen", "127.0.0.1:0"))
        self.assertIn("/no/such/file", self.refused("broker", "--config", "/no/such/file"))

    def test_options_take_effect(self):
        name = self.config('[limits]\nmax_packet_size = "2KiB"\n')
        with Broker("--config", name, "--set", "limits.receive_maximum=7") as broker, RawClient(broker.port) as client:
            connack = client.connect("reader")
            self.assertIn(b"\x27\x00\x00\x08\x00", connack)
            self.assertIn(b"\x21\x00\x07", connack)

    def test_port_in_use_names_the_option(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            address = f"127.0.0.1:{holder.getsockname()[1]}"
            done = run(MARTLET, "broker", "--listen", address, "--data", "none", expect=None)
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(address, done.stderr.decode())
            self.assertIn("--listen", done.stderr.decode())

    def test_a_public_listener_wants_a_decision(self):
        error = self.refused("broker", "--listen", "0.0.0.0:0")
        self.assertRegex(error, r"(?i)anonymous|authentication")

    def test_several_listeners(self):
        with Broker("--listen", "127.0.0.1:0") as broker:
            ports = set(re.findall(r"127\.0\.0\.1:(\d+)", broker.log()))
            self.assertEqual(len(ports), 2, broker.log())
            for port in ports:
                with RawClient(int(port)) as client:
                    client.connect("both")


class Large(unittest.TestCase):
    def test_the_largest_packet_that_mqtt_knows(self):
        """256 MiB through the broker, when configured."""
        size = 268_435_455
        with Broker("--set", "limits.max_packet_size=268435460", "--set", "limits.max_queued_bytes=300MiB", "--set", "log.level=warning") as broker:
            with RawClient(broker.port, timeout=60) as receiver, RawClient(broker.port, timeout=60) as sender:
                receiver.connect("receiver")
                receiver.send(subscribe("huge"))
                receiver.read_packet()
                sender.connect("sender")
                head = text("huge") + b"\x00"
                payload = bytes(size - len(head))
                sender.send(b"\x30\xff\xff\xff\x7f" + head)
                sender.send(payload)
                header = receiver.read_exactly(5)
                self.assertEqual(header, b"\x30\xff\xff\xff\x7f")
                self.assertEqual(receiver.read_exactly(len(head)), head)
                left = len(payload)
                while left:
                    piece = receiver.socket.recv(min(left, 1 << 20))
                    self.assertTrue(piece, "closed in the middle")
                    self.assertFalse(any(piece[::4096]))
                    left -= len(piece)


if __name__ == "__main__":
    unittest.main()
