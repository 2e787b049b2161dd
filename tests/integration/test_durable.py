"""What was acknowledged survives kill -9: sessions, owed messages, retained messages and wills."""

import random
import shutil
import tempfile
import unittest

import paho.mqtt.client as mqtt

from support import PATIENCE_S, Broker, RawClient, packet, publish, run, subscribe, text, wait_until


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
        from support import MARTLET

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
