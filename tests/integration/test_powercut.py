"""Power cuts: what was not synced is gone, and what was acknowledged is not. See tests/powercut."""

import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import paho.mqtt.client as mqtt

from support import HERE, MARTLET, PATIENCE_S, Broker, free_port, in_thread, run, wait_until

sys.path.insert(0, str(HERE.parent / "powercut"))

import power_cut  # noqa: E402

LAYER = pathlib.Path(MARTLET).parent / "tests" / "libpowercut_layer.so"


class Disk:
    """A directory that loses power."""

    def __init__(self, test):
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="martlet-test-"))
        test.addCleanup(shutil.rmtree, scratch, True)
        self.path, self.before, self.journal = scratch / "disk", scratch / "before", scratch / "journal"
        self.path.mkdir()

    def environment(self):
        """For a process that begins on what is there now."""
        shutil.rmtree(self.before, True)
        shutil.copytree(self.path, self.before)
        self.journal.unlink(missing_ok=True)
        return {"LD_PRELOAD": str(LAYER), "POWERCUT_ROOT": str(self.path), "POWERCUT_JOURNAL": str(self.journal)}

    def cut(self, seed=None):
        power_cut.cut(self.before, self.journal, self.path, seed)

    def names(self):
        return {path.name: path.read_bytes() for path in self.path.iterdir() if path.is_file()}


class Layer(unittest.TestCase):
    """The layer and its tool by themselves."""

    def left(self, program, seed=None):
        disk = Disk(self)
        (disk.path / "old").write_bytes(b"0123456789")
        (disk.path / "replaced").write_bytes(b"before")
        prelude = f"import os\nos.chdir({str(disk.path)!r})\nroot = os.open('.', os.O_RDONLY)\n"
        subprocess.run([sys.executable, "-c", prelude + program], env=disk.environment(), check=True, timeout=PATIENCE_S)
        disk.cut(seed)
        return disk.names()

    OLD = {"old": b"0123456789", "replaced": b"before"}

    def test_what_is_not_synced_is_gone(self):
        program = "with open('new', 'wb', 0) as f: f.write(b'x' * 10)\nos.mkdir('folder')\nos.rename('replaced', 'moved')\nos.unlink('old')"
        self.assertEqual(self.left(program), self.OLD)

    def test_what_is_synced_stays(self):
        program = """
f = os.open('new', os.O_CREAT | os.O_RDWR)
os.write(f, b'abcdef'); os.pwrite(f, b'X', 2); os.fdatasync(f); os.write(f, b'lost')
os.rename('replaced', 'moved')
os.fsync(root)
os.unlink('moved')
g = os.open('old', os.O_RDWR)
os.ftruncate(g, 4); os.fsync(g); os.write(g, b'lost')
"""
        self.assertEqual(self.left(program), {"new": b"abXdef", "moved": b"before", "old": b"0123"})

    def test_a_synced_file_without_a_synced_name_is_gone(self):
        self.assertEqual(self.left("f = os.open('new', os.O_CREAT | os.O_RDWR); os.write(f, b'a'); os.fsync(f)"), self.OLD)

    def test_a_name_that_is_replaced_stands_for_the_old_or_the_new(self):
        program = """
f = os.open('temporary', os.O_CREAT | os.O_RDWR)
os.write(f, b'after'); os.fsync(f); os.fsync(root)
os.rename('temporary', 'replaced')
"""
        found = {self.left(program, seed)["replaced"] for seed in range(12)}
        self.assertEqual(found, {b"before", b"after"})

    def test_chance_leaves_beginnings_torn_writes_and_blocks(self):
        program = """
f = os.open('old', os.O_RDWR)
for piece in range(4): os.pwrite(f, bytes([65 + piece]) * 4096, 4096 * piece)
"""
        found = [self.left(program, seed)["old"] for seed in range(40)]
        self.assertIn(b"0123456789", found)
        self.assertTrue(any(len(content) % 4096 not in (0, 10) for content in found), "a torn write")
        self.assertTrue(any(content[:10] == b"0123456789" and b"D" in content for content in found), "later blocks only")
        self.assertTrue(any(content == b"".join(bytes([65 + i]) * 4096 for i in range(4)) for content in found), "all")


class Resuming:
    """A paho client that keeps its session and state over the broker's deaths, with a network thread of our own."""

    def __init__(self, port, name, clean=False):
        self.client = mqtt.Client(name, protocol=mqtt.MQTTv311, clean_session=clean)
        self.client.max_inflight_messages_set(50)
        self.messages, self.acknowledged, self.connected, self.subscribed = [], set(), threading.Event(), threading.Event()
        self.client.on_message = lambda _c, _d, message: self.messages.append((message.qos, int(message.payload)))
        self.client.on_publish = lambda _c, _d, mid: self.acknowledged.add(mid)
        self.client.on_connect = self.on_connect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.connect_async("127.0.0.1", port)
        self.start()

    def on_connect(self, _client, _data, flags, code):
        self.present = bool(flags["session present"])
        self.greeted = code == 0

    def start(self):
        self.connected.clear()
        self.greeted = False
        self.client.reconnect()
        self.thread = in_thread(self.loop)
        assert self.connected.wait(PATIENCE_S), "no CONNACK"

    def loop(self):
        while self.client.loop(0.05) == mqtt.MQTT_ERR_SUCCESS:
            # Not in on_connect: behind it paho sends again what is unfinished, and what is new must not overtake that.
            if self.greeted:
                self.connected.set()
            self.work()

    def work(self):
        """Called again and again by the network thread."""

    def wait(self):
        """Until its thread has seen that the broker is gone."""
        self.thread.join(PATIENCE_S)

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        assert self.subscribed.wait(PATIENCE_S), "no SUBACK"

    def stop(self):
        self.client.disconnect()
        self.wait()


class Sender(Resuming):
    """Numbers its messages and remembers which were acknowledged."""

    def __init__(self, port, name, first, qos):
        self.next, self.upto, self.qos, self.numbers = first, first, qos, {}
        super().__init__(port, name)

    def send(self, count):
        self.upto += count

    def work(self):
        # Here, since two threads that write to paho's socket change the order.
        while self.next < self.upto:
            info = self.client.publish("t", str(self.next), self.qos)
            self.numbers[info.mid] = self.next
            self.next += 1

    def __str__(self):
        return f"{self.next} sent, {len(self.acknowledged)} acknowledged, {len(self.client._out_messages)} under way"

    def promised(self):
        return {self.numbers[mid] for mid in list(self.acknowledged) if mid in self.numbers}


class PowerCuts(unittest.TestCase):
    ROUNDS = 20
    SEED = int(os.environ.get("POWERCUT_SEED", "2026"))

    def broker(self, disk, *arguments):
        listen = f"127.0.0.1:{self.port}"
        return Broker("--data", str(disk.path / "data"), *arguments, listen=listen, environment=disk.environment())

    def die(self, broker, disk, seed):
        broker.process.kill()
        broker.process.wait(PATIENCE_S)
        disk.cut(seed)

    def test_nothing_acknowledged_is_lost_in_twenty_power_cuts(self):
        dice = random.Random(self.SEED)
        self.port, disk = free_port(), Disk(self)
        broker = self.broker(disk)
        for name, qos in (("away-one", 1), ("away-two", 2), ("online", 2)):
            reader = Resuming(self.port, name)
            reader.subscribe("t", qos)
            if name != "online":
                reader.stop()
        online = reader
        senders = [Sender(self.port, "sends-one", 0, 1), Sender(self.port, "sends-two", 1_000_000, 2)]
        for number in range(self.ROUNDS):
            for sender in senders:
                sender.send(120)
            goal = [dice.randint(1, 110) + 120 * number for _ in senders]
            enough = lambda: any(len(sender.acknowledged) >= least for sender, least in zip(senders, goal))
            wait_until(enough, "acknowledgements", lambda: f"{goal}: {[*map(str, senders)]}")
            self.die(broker, disk, self.SEED * 1000 + number)
            for client in (online, *senders):
                client.wait()
            broker = self.broker(disk)
            if number % 4 == 3:  # and again, before anybody is back
                self.die(broker, disk, self.SEED * 2000 + number)
                broker = self.broker(disk)
            for client in (online, *senders):
                client.start()
                self.assertTrue(client.present, f"session present in round {number}")
        with broker:
            for sender in senders:
                wait_until(lambda: len(sender.promised()) == sender.upto - (sender.qos - 1) * 1_000_000, "all acknowledgements")
            readers = {"online": online}
            for name in ("away-one", "away-two"):
                readers[name] = Resuming(self.port, name)
            promised = set().union(*(sender.promised() for sender in senders))
            self.assertEqual(len(promised), 2 * 120 * self.ROUNDS)
            for name, reader in readers.items():
                numbers = lambda: [number for _, number in list(reader.messages)]
                wait_until(lambda: promised <= set(numbers()), f"all at {name}", lambda: str(sorted(promised - set(numbers()))[:9]))
                once = [number for qos, number in reader.messages if qos == 2]
                self.assertEqual(len(once), len(set(once)), f"QoS 2 twice at {name}")
                # A message of QoS 1 may come again; first arrivals keep the order.
                for wanted in (range(1_000_000), range(1_000_000, 2_000_000)):
                    firsts = list(dict.fromkeys(number for number in numbers() if number in wanted))
                    self.assertEqual(firsts, sorted(firsts), f"order at {name}")
                reader.stop()
            for sender in senders:
                sender.stop()

    def test_with_interval_the_last_moments_may_be_lost(self):
        """The same broker told to sync only now and then loses what was acknowledged: the layer bites."""
        self.port, disk = free_port(), Disk(self)
        slack = ("--set", "store.durability=interval", "--set", "store.sync_interval=1h")
        with self.broker(disk, *slack):
            reader = Resuming(self.port, "away")
            reader.subscribe("t", 1)
            reader.stop()
        # A clean stop synced the session.
        broker = self.broker(disk, *slack)
        sender = Sender(self.port, "sends", 0, 1)
        sender.send(50)
        wait_until(lambda: len(sender.promised()) == 50, "acknowledgements")
        self.die(broker, disk, None)
        sender.wait()
        with self.broker(disk, *slack):
            reader = Resuming(self.port, "away")
            self.assertTrue(reader.present)
            run("mosquitto_pub", "-p", str(self.port), "-q", "1", "-t", "t", "-m", "99")
            wait_until(lambda: (1, 99) in reader.messages, "what was sent after the power cut")
            self.assertEqual(reader.messages, [(1, 99)])
            reader.stop()

    def test_with_interval_it_starts_whatever_is_left(self):
        dice = random.Random(self.SEED)
        self.port, disk = free_port(), Disk(self)
        slack = ("--set", "store.durability=interval", "--set", "store.sync_interval=50ms")
        broker = self.broker(disk, *slack)
        sender = Sender(self.port, "sends", 0, 1)
        reader = Resuming(self.port, "away")
        reader.subscribe("t", 1)
        reader.stop()
        for number in range(6):
            sender.send(100)
            goal = 100 * number + dice.randint(20, 100)
            wait_until(lambda: len(sender.acknowledged) >= goal, "acknowledgements")
            self.die(broker, disk, self.SEED * 1000 + number)
            sender.wait()
            broker = self.broker(disk, *slack)
            sender.start()
        with broker:
            sender.stop()


if __name__ == "__main__":
    unittest.main()
