"""What was acknowledged survives kill -9: sessions, owed messages, retained messages and wills."""

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import paho.mqtt.client as mqtt

from support import MARTLET, PATIENCE_S, Broker, RawClient, packet, publish, run, subscribe, text, wait_until


class Directory(unittest.TestCase):
    def setUp(self):
        self.path = tempfile.mkdtemp(prefix="martlet-test-")
        self.addCleanup(shutil.rmtree, self.path, True)

    def broker(self, *arguments):
        return Broker("--data", self.path, *arguments)

    def kill(self, broker):
        broker.process.kill()
        broker.process.wait(PATIENCE_S)


class Client:
    """A paho client with a session that is kept."""

    def __init__(self, broker, name, clean=False, filters=()):
        self.client = mqtt.Client(name, protocol=mqtt.MQTTv311, clean_session=clean)
        self.messages, self.acknowledged, self.numbers, self.ready = [], set(), {}, []
        self.client.max_inflight_messages_set(100)
        self.client.on_message = lambda _c, _d, message: self.messages.append((message.qos, int(message.payload)))
        self.client.on_publish = lambda _c, _d, mid: self.acknowledged.add(mid)
        self.client.on_connect = lambda _c, _d, flags, _rc: self.ready.append(flags["session present"])
        self.client.on_subscribe = lambda *_: self.ready.append("subscribed")
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        wait_until(lambda: self.ready, "CONNACK")
        self.present = self.ready[0]
        for topic, qos in filters:
            self.ready.clear()
            self.client.subscribe(topic, qos)
            wait_until(lambda: self.ready, "SUBACK")

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()

    def abandon(self):
        self.client.on_connect = None
        self.client.loop_stop(force=True)


class Levels(Directory):
    """What is acknowledged is as safe as the topic's rule says, and a 5.0 client is told."""

    RULES = '[[durability]]\nfilter = "telemetry/#"\nlevel = "memory"\n[[durability]]\nfilter = "log/+"\nlevel = "interval"\n'

    def broker(self, *arguments):
        config = os.path.join(self.path, "broker.toml")
        with open(config, "w") as file:
            file.write(self.RULES)
        return Broker("--config", config, "--data", os.path.join(self.path, "data"), *arguments)

    @staticmethod
    def notices(connack):
        found = []
        for name in re.finditer(rb"\x26\x00\x0adurability\x00(.)", connack):
            found.append(connack[name.end() : name.end() + name.group(1)[0]])
        return found

    @staticmethod
    def unsafe(broker):
        seen = lambda: re.findall(r"store/unsafe_messages (\d+)", broker.log())
        before = len(seen())
        broker.kill(signal.SIGUSR1)
        wait_until(lambda: len(seen()) > before, "the dump")
        return int(seen()[-1])

    def test_connack_says_which(self):
        with self.broker("--set", "sys.interval=1s") as broker, RawClient(broker.port) as client:
            self.assertEqual(self.notices(client.connect("told")), [b"fsync", b"memory telemetry/#", b"interval log/+"])
            self.assertIn("durability fsync and 2 rules", broker.log())
        with self.broker("--set", "store.durability=interval", "--set", "mqtt.announce_durability=false") as broker:
            with RawClient(broker.port) as client:
                self.assertEqual(self.notices(client.connect("untold")), [])
        with Broker() as broker, RawClient(broker.port) as client:
            self.assertEqual(self.notices(client.connect("told")), [b"memory"])

    def test_each_level_outlives_a_kill_once_it_is_written(self):
        topics = ["telemetry/1", "log/1", "orders"]
        with self.broker() as broker:
            Client(broker, "reader", filters=[("#", 1)]).stop()
        broker = self.broker("--set", "store.sync_interval=1h", "--set", "sys.interval=1s")
        with RawClient(broker.port) as writer:
            writer.connect("writer")
            for number in range(60):
                writer.send(publish(topics[number % 2], b"%d" % number, 1, 1 + number))
                self.assertEqual(writer.read_packet()[0], 0x40)
            self.assertEqual(self.unsafe(broker), 60)
            watch = ("mosquitto_sub", "-p", str(broker.port), "-t", "$SYS/broker/store/unsafe_messages", "-C", "1", "-W", "5")
            wait_until(lambda: run(*watch).stdout == b"60\n", "the gauge")
            # One that is synced takes along all that is before it.
            writer.send(publish(topics[2], b"60", 1, 61))
            self.assertEqual(writer.read_packet()[0], 0x40)
            self.assertEqual(self.unsafe(broker), 0)
            self.kill(broker)
        with self.broker() as broker:
            reader = Client(broker, "reader")
            wait_until(lambda: len(reader.messages) == 61, "all messages", lambda: str(reader.messages))
            self.assertEqual([number for _, number in reader.messages], list(range(61)))
            reader.stop()


class DefaultDirectory(Directory):
    """Without --data."""

    def started(self, *arguments, environment=None):
        command = [MARTLET, "broker", "--listen", "127.0.0.1:0", *arguments]
        process = subprocess.Popen(
            command, cwd=self.path, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )
        line = process.stdout.readline().decode()
        process.terminate()
        rest = process.communicate(timeout=PATIENCE_S)
        return line, process.returncode, rest[1].decode()

    def test_it_is_beside_the_configuration_or_here_or_systemds(self):
        os.makedirs(os.path.join(self.path, "etc"))
        with open(os.path.join(self.path, "etc/broker.toml"), "w") as file:
            file.write("[server]\n")
        state = os.path.join(self.path, "state")
        for arguments, environment, place in (
            ([], {}, "./martlet-data"),
            (["--config", "etc/broker.toml"], {}, "etc/martlet-data"),
            (["--config", "etc/broker.toml"], {"STATE_DIRECTORY": f"{state}:/nowhere"}, state),
            (["--data", "named"], {"STATE_DIRECTORY": "/nowhere"}, "named"),
        ):
            with self.subTest(place=place):
                line, code, error = self.started(*arguments, environment=environment)
                self.assertEqual(code, 0, error)
                self.assertIn(f"data in {place}, durability fsync", line)
                self.assertTrue(os.path.exists(os.path.join(self.path, place, "FORMAT")))

    def test_none_keeps_nothing(self):
        line, code, error = self.started("--data", "none")
        self.assertEqual(code, 0, error)
        self.assertIn("nothing outlives the process", line)
        self.assertEqual(os.listdir(self.path), [])

    def test_where_it_cannot_be_the_error_says_what_to_do(self):
        open(os.path.join(self.path, "martlet-data"), "w").close()
        _, code, error = self.started()
        self.assertEqual(code, 1)
        self.assertIn("--data DIR", error)
        self.assertIn("--data none", error)


class Crash(Directory):
    def test_acknowledged_messages_survive(self):
        dice = random.Random(3)
        with_all = {1: "one", 2: "two"}
        broker = self.broker()
        for qos, name in with_all.items():
            Client(broker, name, filters=[("t", qos)]).stop()
        sent = 0
        promised = set()
        for _ in range(4):
            publisher = Client(broker, "publisher", clean=True)
            numbers = {}
            for _ in range(1500):
                info = publisher.client.publish("t", str(sent), 1 + sent % 2)
                numbers[info.mid] = sent
                sent += 1
            goal = dice.randrange(200, 1400)
            wait_until(lambda: len(publisher.acknowledged) >= goal, "acknowledgements")
            promised |= {numbers[mid] for mid in list(publisher.acknowledged)}
            self.kill(broker)
            publisher.abandon()
            broker = self.broker()
        with broker:
            for qos, name in with_all.items():
                reader = Client(broker, name)
                self.assertTrue(reader.present)
                seen = lambda: {number for _, number in reader.messages}
                wait_until(lambda: promised <= seen(), "what was acknowledged", lambda: str(len(promised - seen())))
                for delivered in (1, 2):
                    numbers = [number for at, number in reader.messages if at == delivered]
                    self.assertEqual(numbers, sorted(numbers), "order")
                exactly_once = [number for at, number in reader.messages if at == 2]
                self.assertEqual(len(exactly_once), len(set(exactly_once)), "QoS 2 twice")
                reader.stop()

    def test_retained_messages_and_wills_survive(self):
        broker = self.broker()
        run("mosquitto_pub", "-p", str(broker.port), "-q", "1", "-r", "-t", "keep/a", "-m", "kept")
        run("mosquitto_pub", "-p", str(broker.port), "-q", "1", "-r", "-t", "keep/b", "-m", "gone")
        run("mosquitto_pub", "-p", str(broker.port), "-q", "1", "-r", "-t", "keep/b", "-n")
        watcher = Client(broker, "watcher", filters=[("last/#", 1)])
        watcher.stop()
        with RawClient(broker.port) as doomed:
            will = b"\x00\x04MQTT\x05\x0e\x00\x00\x05\x11\x00\x00\x0e\x10" + text("doomed") + b"\x00" + text("last/will") + text("7")
            doomed.send(packet(0x10, will))
            self.assertEqual(doomed.read_packet()[1][1], 0)
            doomed.send(subscribe("x"))
            doomed.read_packet()
            self.kill(broker)
        with self.broker() as broker:
            out = run("mosquitto_sub", "-p", str(broker.port), "-t", "keep/#", "-C", "1", "-W", "5", "-v").stdout
            self.assertEqual(out, b"keep/a kept\n")
            again = Client(broker, "watcher")
            wait_until(lambda: again.messages == [(1, 7)], "the will", lambda: str(again.messages))
            again.stop()

    def test_a_session_that_ends_stays_ended(self):
        broker = self.broker()
        Client(broker, "brief", filters=[("t", 1)]).stop()
        Client(broker, "brief", clean=True).stop()
        run("mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", "x", "-r", "-m", "1")
        self.kill(broker)
        with self.broker() as broker:
            self.assertFalse(Client(broker, "brief").present)

    def test_a_second_broker_is_refused(self):
        with self.broker():
            done = run(MARTLET, "broker", "--listen", "127.0.0.1:0", "--data", self.path, expect=1)
            self.assertIn(self.path, done.stderr.decode())

    def test_a_clean_stop_keeps_everything_too(self):
        with self.broker() as broker:
            Client(broker, "kept", filters=[("t", 2)]).stop()
            run("mosquitto_pub", "-p", str(broker.port), "-q", "2", "-t", "t", "-m", "5")
        with self.broker() as broker:
            reader = Client(broker, "kept")
            self.assertTrue(reader.present)
            wait_until(lambda: reader.messages == [(2, 5)], "the message", lambda: str(reader.messages))
            reader.stop()


if __name__ == "__main__":
    unittest.main()
