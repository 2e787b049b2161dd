"""Data directories that earlier versions left (tests/upgrade/): all that they hold is there; newer ones are refused."""

import json
import pathlib
import tarfile
import unittest

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from support import HERE, MARTLET, Broker, RawClient, packet, publish, run, text, wait_until
from test_durable import Directory

ARCHIVES = sorted((HERE.parent / "upgrade").glob("*.tar.xz"))
NEVER = b"\x11\xff\xff\xff\xff"  # session expiry interval
FAR_AWAY_S = 3_000_000_000


def properties(kind, **values):
    made = Properties(kind)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def seen(message):
    """A message in the words of expected.json."""
    found = {"topic": message.topic, "payload": message.payload.decode(), "qos": message.qos}
    facts = message.properties.json() if hasattr(message, "properties") and message.properties else {}
    if message.retain:
        found["retain"] = True
    for name, ours in (("UserProperty", "user"), ("ContentType", "content_type"), ("ResponseTopic", "response_topic")):
        if name in facts:
            found[ours] = [list(pair) for pair in facts[name]] if name == "UserProperty" else facts[name]
    if "SubscriptionIdentifier" in facts:
        found["identifiers"] = sorted(facts["SubscriptionIdentifier"])
    if facts.get("MessageExpiryInterval", 0) > FAR_AWAY_S:
        found["expires"] = True
    return found


class Returning:
    """A client that comes back to its session and keeps what it is sent."""

    def __init__(self, broker, client_id, version=mqtt.MQTTv5, clean=False):
        self.messages, self.flags, self.acknowledged = [], [], set()
        old = version != mqtt.MQTTv5
        self.client = mqtt.Client(client_id, protocol=version, **({"clean_session": clean} if old else {}))
        self.client.on_connect = lambda _c, _d, flags, *_: self.flags.append(flags["session present"])
        self.client.on_message = lambda _c, _d, message: self.messages.append(seen(message))
        self.client.on_publish = lambda _c, _d, mid: self.acknowledged.add(mid)
        forever = properties(PacketTypes.CONNECT, SessionExpiryInterval=0xFFFFFFFF)
        self.client.connect("127.0.0.1", broker.port, **({} if old else {"clean_start": clean, "properties": forever}))
        self.client.loop_start()
        wait_until(lambda: self.flags, "CONNACK")
        self.present = bool(self.flags[0])

    def send(self, topic, payload, qos, retain=False):
        info = self.client.publish(topic, payload, qos, retain)
        wait_until(lambda: info.mid in self.acknowledged, "the acknowledgement")

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


def of_version(message, version):
    """What a 3.1.1 client is told of a message."""
    if version == mqtt.MQTTv5:
        return message
    return {name: value for name, value in message.items() if name in ("topic", "payload", "qos", "retain")}


def by_qos(messages):
    """In order for each QoS: paho shows a message of QoS 2 when it is released, so others overtake it."""
    return sorted(messages, key=lambda message: message["qos"])


class OldDirectory(Directory):
    def unpack(self, archive):
        with tarfile.open(archive) as files:
            files.extractall(self.path)
        self.expected = json.loads(pathlib.Path(self.path, "expected.json").read_text())
        self.path = str(pathlib.Path(self.path, "data"))

    def test_everything_is_there(self):
        self.assertGreaterEqual(len(ARCHIVES), 2, "the archives in tests/upgrade")
        for archive in ARCHIVES:
            with self.subTest(archive=archive.name):
                self.setUp()
                self.unpack(archive)
                with self.broker() as broker:
                    self.check_outgoing(broker)
                    self.check_retained(broker)
                    self.check_incoming(broker)
                    self.check_sessions(broker)
                    self.check_shared(broker)
                    self.check_will(broker)
                # What they were sent and acknowledged stays so.
                with self.broker() as broker:
                    for client_id, version in self.expected["versions"].items():
                        again = Returning(broker, client_id, version)
                        again.send("again", "", 1)
                        self.assertTrue(again.present)
                        self.assertEqual(again.messages, [])
                        again.stop()

    def wait_for(self, client, count):
        wait_until(lambda: len(client.messages) >= count, f"{count} messages", lambda: f"{len(client.messages)}: {client.messages[-3:]}")

    def check_sessions(self, broker):
        clients = {}
        for client_id, owed in self.expected["sessions"].items():
            version = self.expected["versions"][client_id]
            clients[client_id] = client = Returning(broker, client_id, version)
            self.assertTrue(client.present, client_id)
            self.wait_for(client, len(owed))
            self.assertEqual(by_qos(client.messages), by_qos(of_version(message, version) for message in owed), client_id)
            client.messages.clear()
        publisher = Returning(broker, "prober", clean=True)
        wanted = {client_id: [] for client_id in clients}
        for probe in self.expected["probes"]:
            publisher.send(probe["topic"], "probe", 2, probe["retain"])
            for client_id, how in probe["to"].items():
                message = {"topic": probe["topic"], "payload": "probe", **how}
                wanted[client_id].append(of_version(message, self.expected["versions"][client_id]))
        for client_id, topic in self.expected["no_local"].items():
            clients[client_id].send(topic, "my own", 2)
        for client_id, client in clients.items():
            self.wait_for(client, len(wanted[client_id]))
            client.send("nobody/listens", "", 2)
            self.assertEqual(by_qos(client.messages), by_qos(wanted[client_id]), client_id)
            client.stop()
        publisher.stop()

    def check_shared(self, broker):
        shared = self.expected["shared"]
        members = [Returning(broker, client_id) for client_id in shared["members"]]
        jobs = lambda: [message["payload"] for member in members for message in member.messages]
        self.assertTrue(all(member.present for member in members))
        wait_until(lambda: len(jobs()) >= len(shared["jobs"]), "the shared messages", lambda: str(jobs()))
        members[0].send(shared["topic"], "new job", 1)
        wait_until(lambda: "new job" in jobs(), "a new shared message")
        self.assertEqual(sorted(jobs()), sorted([*shared["jobs"], "new job"]))
        for member in members:
            member.stop()

    def connect_raw(self, broker, client_id):
        client = RawClient(broker.port)
        self.addCleanup(client.close)
        self.assertEqual(client.connect(client_id, clean=False, properties=NEVER)[0], 1, f"session present of {client_id}")
        return client

    def check_incoming(self, broker):
        incoming = self.expected["incoming"]
        client = self.connect_raw(broker, incoming["client_id"])
        for packet_id in incoming["unreleased"]:
            name = packet_id.to_bytes(2, "big")
            # Not a second time: what it said stands in the receivers' expected messages once.
            client.send(bytes([0x3C]) + publish("plain/one", b"unreleased", 2, packet_id)[1:])
            header, body = client.read_packet()
            self.assertEqual((header, body[:2]), (0x50, name))
            client.send(packet(0x62, name))
            self.assertEqual(client.read_packet(), (0x70, name))
        for packet_id in incoming["released"]:
            name = packet_id.to_bytes(2, "big")
            client.send(packet(0x62, name))
            header, body = client.read_packet()
            self.assertEqual((header, body), (0x70, name + b"\x92"), "PUBCOMP: packet identifier not found")

    def check_outgoing(self, broker):
        outgoing = self.expected["outgoing"]
        client = self.connect_raw(broker, outgoing["client_id"])
        identifiers = outgoing["identifiers"]
        releases, messages = [], {1: [], 2: []}
        while len(releases) < 2 or messages[1][-1:] != outgoing["again"][-1:]:
            header, body = client.read_packet()
            if header == 0x62:
                releases.append(int.from_bytes(body[:2], "big"))
                client.send(packet(0x70, body[:2]))
                continue
            at = 2 + int.from_bytes(body[:2], "big")
            qos, name, payload = header >> 1 & 3, body[at : at + 2], body[at + 3 :].decode()
            client.send(packet(0x50 if qos == 2 else 0x40, name))
            messages[qos].append(payload if qos == 1 else (header & 0x08 != 0, int.from_bytes(name, "big"), payload))
        self.assertEqual(sorted(releases), sorted([identifiers["received"], identifiers["sent"]]))
        self.assertEqual(messages[2], [(True, identifiers["sent"], "sent")])
        # Acknowledged messages of QoS 1 may come again behind one that is not.
        self.assertEqual(messages[1][-len(outgoing["again"]) :], outgoing["again"])
        client.send(packet(0xC0, b""))
        self.assertEqual(client.read_packet(), (0xD0, b""), "nothing else comes")

    def check_retained(self, broker):
        kept = self.expected["retained"]
        out = run("mosquitto_sub", "-p", str(broker.port), "-t", "kept/#", "-C", str(len(kept)), "-W", "10", "-F", "%t %p %r").stdout
        self.assertEqual(sorted(out.decode().splitlines()), sorted(f"{topic} {payload} 1" for topic, payload in kept.items()))

    def check_will(self, broker):
        will = self.expected["will"]
        watcher = Returning(broker, "watcher", clean=True)
        ready = []
        watcher.client.on_subscribe = lambda *_: ready.append(True)
        watcher.client.subscribe(will["topic"], 0)
        wait_until(lambda: ready, "SUBACK")
        self.assertEqual(watcher.messages, [])
        # A clean start ends the session, and the will goes out with it.
        Returning(broker, will["client_id"], clean=True).stop()
        self.wait_for(watcher, 1)
        self.assertEqual(watcher.messages, [{"topic": will["topic"], "payload": will["payload"], "qos": 0}])
        watcher.stop()


def content(path):
    return {str(file): file.read_bytes() for file in sorted(pathlib.Path(path).rglob("*")) if file.is_file()}


class NewerDirectory(Directory):
    def test_is_refused_and_left_alone(self):
        with self.broker():
            pass
        pathlib.Path(self.path, "FORMAT").write_text("martlet-store 2\n")
        before = content(self.path)
        done = run(MARTLET, "broker", "--listen", "127.0.0.1:0", "--data", self.path, expect=1)
        self.assertIn("it has format 2, this program knows up to 1: use the newer martlet that wrote it", done.stderr.decode())
        self.assertEqual(content(self.path), before)


if __name__ == "__main__":
    unittest.main()
