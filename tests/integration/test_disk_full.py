"""A disk that runs full under the broker, and data directories that came back damaged."""

import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

from support import MARTLET, PATIENCE_S, Broker, RawClient, packet, publish, run, subscribe, text, wait_until
from test_durable import Client, Directory

# RocksDB goes on only when a whole write buffer (16 MiB) would find room again.
DISK_MIB = 56
NEVER = b"\x11\xff\xff\xff\xff"  # session expiry interval
QUOTA_EXCEEDED = 0x97


class SmallDisk:
    """A tmpfs with ballast that can be thrown off."""

    def __init__(self, test):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="martlet-test-"))
        test.addCleanup(shutil.rmtree, self.path, True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(self.path)]
        if os.geteuid() != 0:
            test.skipTest("mounting a small tmpfs needs root")
        done = subprocess.run(mount, capture_output=True, text=True)
        if done.returncode != 0:
            test.skipTest(f"cannot mount a small tmpfs: {done.stderr.strip()}")
        test.addCleanup(subprocess.run, ["umount", "-l", str(self.path)], check=False)
        self.ballast = self.path / "ballast"
        self.ballast.write_bytes(bytes(DISK_MIB // 2 << 20))

    def throw_off(self):
        self.ballast.unlink()


class Publisher:
    """Sends and reads by hand, so that nothing is tried again behind our back."""

    def __init__(self, broker, name, version):
        self.client = RawClient(broker.port)
        self.client.connect(name, version=version)
        self.version, self.packet_id = version, 0

    def send(self, number, qos, size=60_000):
        self.packet_id += 1
        payload = str(number).encode() + b" " + bytes(size)
        self.client.send(publish("t", payload, qos, self.packet_id, self.version))

    def answer(self):
        """The reason code of PUBACK or PUBREC; a PUBREC that is none is answered to the end."""
        header, body = self.client.read_packet()
        assert header in (0x40, 0x50), header
        reason = body[2] if len(body) > 2 else 0
        if header == 0x50 and reason < 0x80:
            self.client.send(packet(0x62, body[:2]))
            assert self.client.read_packet()[0] == 0x70
        return reason


class DiskFull(unittest.TestCase):
    def test_a_full_disk_is_waited_out(self):
        disk = SmallDisk(self)
        data = str(disk.path / "data")
        arguments = ("--data", data, "--set", "sys.interval=1s")
        broker = Broker(*arguments)
        Client(broker, "away", filters=[("t", 2)]).stop()
        filler = Publisher(broker, "filler", 5)
        five, old = Publisher(broker, "five", 5), Publisher(broker, "old", 4)

        # Until one is not answered: it was taken before the disk said no, and waits.
        promised, number = [], 0
        full = lambda: "No space left on device" in broker.log()
        while not full():
            filler.send(number, 1 + number % 2)
            while not filler.client.readable(0.1) and not full():
                self.assertIsNone(broker.process.poll())
            if filler.client.readable():
                self.assertLess(filler.answer(), 0x80)
                promised.append(number)
                number += 1
        self.assertGreater(len(promised), 100)
        broker.wait_for_log(r"ERROR .*No space left on device.*Make room")
        for qos in (1, 2):
            five.send(20_000, qos)
            self.assertEqual(five.answer(), QUOTA_EXCEEDED)

        # 3.1.1 is held: no answer, and the connection stays.
        old.send(30_000, 1)
        old.client.socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            old.client.read_packet()
        old.client.socket.settimeout(PATIENCE_S)

        # QoS 0 flows, and what is there is delivered.
        with RawClient(broker.port) as watcher:
            watcher.connect("watcher")
            watcher.send(subscribe("flows") + subscribe("$SYS/broker/store/state"))
            watcher.read_packet(), watcher.read_packet()
            run("mosquitto_pub", "-p", str(broker.port), "-t", "flows", "-m", "on")
            seen = b""
            while b"failing" not in seen or b"on" not in seen:
                seen += watcher.read_packet()[1]

        self.assertEqual(broker.log().count("ERROR"), 1, "one line for the whole failure")
        disk.throw_off()
        self.assertLess(filler.answer(), 0x80, "the held acknowledgements come by themselves")
        self.assertEqual(old.answer(), 0)
        promised += [number, 30_000]
        broker.wait_for_log("takes writes again")
        five.send(40_000, 2)
        self.assertLess(five.answer(), 0x80)
        promised.append(40_000)

        broker.process.kill()
        broker.process.wait(PATIENCE_S)
        with Broker(*arguments) as broker:
            self.expect_all(broker, promised)

    def expect_all(self, broker, promised):
        reader = RawClient(broker.port)
        self.addCleanup(reader.close)
        reader.connect("away", version=4, clean=False)
        found = {1: [], 2: []}
        while not set(promised) <= {*found[1], *found[2]}:
            header, body = reader.read_packet()
            if header == 0x62:
                reader.send(packet(0x70, body))
                continue
            qos, at = header >> 1 & 3, 2 + int.from_bytes(body[:2], "big")
            reader.send(packet(0x50 if qos == 2 else 0x40, body[at : at + 2]))
            found[qos].append(int(body[at + 2 :].split(b" ", 1)[0]))
        for qos, numbers in found.items():
            self.assertEqual(numbers, sorted(set(numbers)), f"once and in order at QoS {qos}")

    def test_a_second_broker_is_refused(self):
        with tempfile.TemporaryDirectory(prefix="martlet-test-") as path, Broker("--data", path):
            done = run(MARTLET, "broker", "--listen", "127.0.0.1:0", "--data", path, expect=1)
            self.assertIn(f"store {path}: another process has it open", done.stderr.decode())


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x5A
    path.write_bytes(data)


class Damage(Directory):
    """The start names the place and offers to go on without it, and says then what it left out."""

    MESSAGES = 400

    def fill(self):
        # With one core each message is in the log once.
        broker = self.broker("--threads", "1")
        Client(broker, "away", filters=[("t", 1)]).stop()
        publisher = Client(broker, "publisher", clean=True)
        for number in range(self.MESSAGES):
            publisher.client.publish("t", f"{number}", 1)
        wait_until(lambda: len(publisher.acknowledged) == self.MESSAGES, "acknowledgements")
        publisher.stop()
        return broker

    def refused(self):
        done = run(MARTLET, "broker", "--listen", "127.0.0.1:0", "--data", self.path, expect=1)
        return done.stderr.decode()

    def numbers_without_damage(self, said):
        with self.broker("--set", "store.skip_damaged=true") as broker:
            broker.wait_for_log(said)
            reader = Client(broker, "away")
            self.assertTrue(reader.present)
            run("mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", "t", "-m", "1000")
            wait_until(lambda: (1, 1000) in reader.messages, "what is sent afterwards")
            reader.stop()
            return [number for _, number in reader.messages]

    def test_in_the_write_ahead_log(self):
        broker = self.fill()
        self.kill(broker)
        wal = max(pathlib.Path(self.path).glob("*.log"), key=lambda path: path.stat().st_size)
        flip(wal, wal.stat().st_size // 2)
        error = self.refused()
        self.assertRegex(error, rf"its write-ahead log {wal.name} is damaged at byte \d+")
        self.assertIn("--set store.skip_damaged=true", error)
        numbers = self.numbers_without_damage(rf"WARN .*write-ahead log {wal.name} is damaged at byte \d+: left out")
        self.assertEqual(numbers[:-1], list(range(len(numbers) - 1)))
        self.assertLess(len(numbers), self.MESSAGES)

    def test_in_a_file(self):
        # Killed, so that the log is read; started once, so that it is in files.
        self.kill(self.fill())
        self.kill(self.broker())
        table = max(pathlib.Path(self.path).glob("*.sst"), key=lambda path: path.stat().st_size)
        flip(table, 200)
        error = self.refused()
        self.assertRegex(error, rf"cannot read log record \d+: Corruption: .*{table.name}")
        self.assertIn("To start without it: --set store.skip_damaged=true", error)
        numbers = self.numbers_without_damage(rf"WARN .*log record \d+.*: left out")
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertLess(len(numbers), self.MESSAGES)


if __name__ == "__main__":
    unittest.main()
