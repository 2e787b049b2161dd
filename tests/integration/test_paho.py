"""Paho's Python client: versions, QoS, sessions, properties and reconnecting."""

import threading
import unittest

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from support import PATIENCE_S, BrokerTest, wait_until

VERSIONS = (mqtt.MQTTv31, mqtt.MQTTv311, mqtt.MQTTv5)


class Paho:
    """A paho client whose callbacks are collected."""

    def __init__(self, broker, version, client_id="", clean=True, expiry_s=0):
        arguments = {} if version == mqtt.MQTTv5 else {"clean_session": clean}
        self.client = mqtt.Client(client_id, protocol=version, **arguments)
        self.connected, self.subscribed = threading.Event(), threading.Event()
        self.messages, self.published, self.flags = [], set(), None
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = lambda _client, _data, message: self.messages.append(message)
        self.client.on_publish = lambda _client, _data, mid: self.published.add(mid)
        more = {}
        if version == mqtt.MQTTv5:
            more["clean_start"] = clean
            if expiry_s:
                more["properties"] = Properties(PacketTypes.CONNECT)
                more["properties"].SessionExpiryInterval = expiry_s
        self.client.connect("127.0.0.1", broker.port, keepalive=30, **more)
        self.client.loop_start()
        assert self.connected.wait(PATIENCE_S), "no CONNACK"

    def _on_connect(self, _client, _data, flags, code, *_):
        assert code == 0, code
        self.flags = flags
        self.connected.set()

    def subscribe(self, *arguments, **named):
        self.subscribed.clear()
        self.client.subscribe(*arguments, **named)
        assert self.subscribed.wait(PATIENCE_S), "no SUBACK"

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


class PahoClient(BrokerTest):
    def test_every_version_and_qos_in_order(self):
        for version in VERSIONS:
            for qos in (0, 1, 2):
                with self.subTest(version=version, qos=qos):
                    receiver, sender = Paho(self.broker, version, f"r{version}{qos}"), Paho(self.broker, version, f"s{version}{qos}")
                    topic = f"paho/{version}/{qos}"
                    receiver.subscribe(topic, qos)
                    sender.client.max_inflight_messages_set(50)
                    for i in range(500):
                        sender.client.publish(topic, str(i), qos)
                    wait_until(lambda: len(receiver.messages) == 500, "500 messages", lambda: str(len(receiver.messages)))
                    self.assertEqual([int(m.payload) for m in receiver.messages], list(range(500)))
                    self.assertEqual({m.qos for m in receiver.messages}, {qos})
                    wait_until(lambda: len(sender.published) == 500, "500 acknowledgements")
                    receiver.stop()
                    sender.stop()

    def test_session_resumes(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                keeper = Paho(self.broker, version, f"keep{version}", clean=False, expiry_s=600)
                keeper.subscribe(f"kept/{version}", 2)
                keeper.stop()
                sender = Paho(self.broker, version, f"send{version}")
                for i in range(50):
                    sender.client.publish(f"kept/{version}", str(i), 1 + i % 2)
                wait_until(lambda: len(sender.published) == 50, "50 acknowledgements")
                sender.stop()
                keeper = Paho(self.broker, version, f"keep{version}", clean=False, expiry_s=600)
                present = keeper.flags["session present"] if isinstance(keeper.flags, dict) else keeper.flags
                # 3.1 has no session present flag.
                if version != mqtt.MQTTv31:
                    self.assertTrue(present)
                wait_until(lambda: len(keeper.messages) == 50, "50 messages", lambda: str(len(keeper.messages)))
                # Order holds for each QoS; paho hands QoS 2 messages over only at their PUBREL.
                for qos in (1, 2):
                    self.assertEqual([int(m.payload) for m in keeper.messages if m.qos == qos], list(range(qos - 1, 50, 2)))
                keeper.stop()

    def test_properties_and_options_of_5(self):
        receiver = Paho(self.broker, mqtt.MQTTv5, "v5receiver")
        identifiers = Properties(PacketTypes.SUBSCRIBE)
        identifiers.SubscriptionIdentifier = 77
        receiver.subscribe("v5/#", options=SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True), properties=identifiers)
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = [("a", "1"), ("a", "2"), ("", "")]
        properties.CorrelationData = b"\x00\xff"
        properties.MessageExpiryInterval = 100
        receiver.client.publish("v5/own", "not for me", 1)
        sender = Paho(self.broker, mqtt.MQTTv5, "v5sender")
        sender.client.publish("v5/x", "body", 1, retain=True, properties=properties)
        wait_until(lambda: receiver.messages, "the message")
        message = receiver.messages[0]
        self.assertEqual((message.topic, message.payload, message.retain), ("v5/x", b"body", True))
        self.assertEqual(message.properties.UserProperty, [("a", "1"), ("a", "2"), ("", "")])
        self.assertEqual(message.properties.CorrelationData, b"\x00\xff")
        self.assertEqual(message.properties.SubscriptionIdentifier, [77])
        self.assertIn(message.properties.MessageExpiryInterval, (99, 100))
        receiver.stop()
        sender.stop()

    def test_large_payload(self):
        payload = bytes(range(256)) * 4000
        receiver, sender = Paho(self.broker, mqtt.MQTTv5, "big-r"), Paho(self.broker, mqtt.MQTTv5, "big-s")
        receiver.subscribe("big", 2)
        sender.client.publish("big", payload, 2)
        wait_until(lambda: receiver.messages, "the message")
        self.assertEqual(receiver.messages[0].payload, payload)
        receiver.stop()
        sender.stop()


if __name__ == "__main__":
    unittest.main()
