"""What holds of a broker whatever service knows its users: clients come, rules see what the service said, and the service
stops, hangs and comes back."""

import json
import pathlib
import tempfile
import threading

import paho.mqtt.client as mqtt

from certificates import Authority
from support import MARTLET, PATIENCE_S, Broker, RawClient, connack, login, packet, publish, run, subscribe, wait_until
from test_tls import listener

ALLOWED, WRONG, NOT_AUTHORIZED, UNAVAILABLE = 0, 0x86, 0x87, 0x88
# The same to clients of 3.1.1, which also have a word for a service that is not there.
OLD_WRONG, OLD_NOT_AUTHORIZED, OLD_UNAVAILABLE = 4, 5, 3
RULES = """[[rule]]
effect = "allow"
group = "sensors"
publish = "up/%u/#"
subscribe = "down/#"
"""


def table(kind, **options):
    """An [[authentication]] or [[authorization]] table's lines. JSON's texts and numbers are TOML's."""
    lines = [f'kind = "{kind}"']
    for name, value in options.items():
        lines.append(f"{name} = {json.dumps(value, default=str)}")
    return "\n".join(lines) + "\n"


class Case:
    """A broker with a configuration of the test's own, and its control socket."""

    def folder_of_test(self):
        if not hasattr(self, "folder"):
            folder = tempfile.TemporaryDirectory(prefix="martlet-test-")
            self.addCleanup(folder.cleanup)
            self.folder = pathlib.Path(folder.name)
        return self.folder

    def write(self, name, text):
        path = self.folder_of_test() / name
        path.write_text(text)
        return path

    def config(self, authentication=(), authorization=(), listeners=None):
        text = listeners or listener()
        for word, tables in (("authentication", authentication), ("authorization", authorization)):
            text += "".join(f"[[{word}]]\n{one}" for one in tables)
        return self.write("martlet.toml", text)

    def start(self, *arguments, threads=2, **tables):
        path = self.config(**tables)
        self.control = str(path.parent / "control.sock")
        broker = Broker("--config", str(path), "--threads", str(threads), "--set", f"server.control={self.control}", *arguments,
                        listen=None)
        self.addCleanup(broker.stop)
        return broker

    def reload(self):
        run(MARTLET, "ctl", "reload", "--control", self.control)

    def rules(self, text=RULES):
        return table("rules", path=self.write("rules.toml", text))

    def users(self, *pairs):
        """A file of users, as an [[authentication]] table."""
        path = self.folder_of_test() / "users"
        for user, password in pairs:
            run(MARTLET, "passwd", *([] if path.exists() else ["-c"]), "-b", str(path), user, password)
        return table("file", path=path)

    def connected(self, broker, user, password, client_id="who", version=5):
        client = RawClient(broker.port)
        self.addCleanup(client.close)
        client.send(login(user, password, version, client_id))
        header, answer = client.read_packet()
        self.assertEqual((header, answer[1]), (0x20, ALLOWED), broker.log()[-2000:])
        return client

    def asks(self, broker, user, password, client_id="asks"):
        """A client that waits for its CONNACK."""
        client = RawClient(broker.port)
        self.addCleanup(client.close)
        client.send(login(user, password, 5, client_id))
        return client

    def answer(self, client):
        header, answer = client.read_packet()
        self.assertEqual(header, 0x20)
        return answer[1]

    def published(self, client, topic):
        """The reason in PUBACK."""
        client.send(publish(topic, b"x", qos=1, packet_id=7))
        header, answer = client.read_packet()
        self.assertEqual((header, answer[:2]), (0x40, b"\0\7"))
        return answer[2] if len(answer) > 2 else 0

    def subscribed(self, client, topic):
        client.send(subscribe(topic, packet_id=8))
        header, answer = client.read_packet()
        self.assertEqual((header, answer[:2]), (0x90, b"\0\10"))
        return answer[-1]

    def pings(self, clients, rounds=20):
        """The connected are served, whoever waits."""
        for _ in range(rounds):
            for client in clients:
                client.send(packet(0xC0, b""))
                self.assertEqual(client.read_packet(), (0xD0, b""))

    def becomes(self, wanted, ask):
        seen = []
        wait_until(lambda: seen.append(ask()) or seen[-1] == wanted, f"the answer {wanted}", lambda: str(seen[-5:]))


class Paho:
    """paho, until it has been answered."""

    def __init__(self, test, port, user, password, version, ca=None):
        self.client = mqtt.Client("", protocol=version)
        self.client.username_pw_set(user, password)
        if ca:
            self.client.tls_set(ca)
        self.code, self.granted = None, []
        self.known, self.heard = threading.Event(), threading.Event()
        self.client.on_connect = self.on_connect
        self.client.on_subscribe = self.on_subscribe
        self.client.connect("localhost" if ca else "127.0.0.1", port)
        self.client.loop_start()
        test.addCleanup(self.stop)
        assert self.known.wait(PATIENCE_S), "no CONNACK"

    def on_connect(self, _client, _data, _flags, code, *_):
        self.code = getattr(code, "value", code)
        self.known.set()

    def on_subscribe(self, _client, _data, _packet_id, granted, *_):
        self.granted = [getattr(code, "value", code) for code in granted]
        self.heard.set()

    def subscribe(self, topic):
        self.heard.clear()
        self.client.subscribe(topic, 1)
        assert self.heard.wait(PATIENCE_S), "no SUBACK"
        return self.granted[0]

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


class Knows(Case):
    """What holds of every service that knows `ann` of the group `sensors`, `root`, who is a superuser unless the class says
    otherwise, both with the password `secret`, and not `nobody`. The class gives table(), stop(), begin(), hang(), go_on()
    and set_password()."""

    HAS_SUPERUSERS = True

    def test_passwords(self):
        broker = self.start(authentication=[self.table()])
        for user, password, new, old in (
            ("ann", "secret", ALLOWED, ALLOWED), ("ann", "wrong", WRONG, OLD_WRONG), ("ann", "", WRONG, OLD_WRONG),
            ("nobody", "secret", WRONG, OLD_WRONG), ("ann", None, WRONG, OLD_WRONG),
            (None, None, NOT_AUTHORIZED, OLD_NOT_AUTHORIZED),
        ):
            self.assertEqual(connack(broker.port, user, password), new, (user, password))
            self.assertEqual(connack(broker.port, user, password, version=4), old, (user, password))
        self.assertNotIn("secret", broker.log())

    def test_the_rules_know_groups_and_superusers(self):
        broker = self.start(authentication=[self.table()], authorization=[self.rules()])
        ann = self.connected(broker, "ann", "secret", "ann's")
        self.assertIn(self.published(ann, "up/ann/t"), (0, 0x10))
        self.assertEqual(self.published(ann, "up/bob/t"), NOT_AUTHORIZED)
        self.assertEqual(self.subscribed(ann, "down/x"), 0)
        self.assertEqual(self.subscribed(ann, "up/#"), NOT_AUTHORIZED)
        root = self.connected(broker, "root", "secret", "root's")
        expected = (0, 0x10) if self.HAS_SUPERUSERS else (NOT_AUTHORIZED,)
        self.assertIn(self.published(root, "up/bob/t"), expected)

    def test_mosquittos_clients_and_paho_by_tls(self):
        authority = Authority(self.folder_of_test() / "ca")
        certificate, key = authority.issue("server")
        broker = self.start(authentication=[self.table()], authorization=[self.rules()],
                            listeners=listener(tls__certificate=certificate, tls__key=key))

        def pub(password, topic):
            return run("mosquitto_pub", "-h", "localhost", "-p", str(broker.port), "--cafile", authority.ca, "-V", "5", "-u",
                       "ann", "-P", password, "-q", "1", "-t", topic, "-m", "x", expect=None)

        self.assertEqual(pub("secret", "up/ann/t").returncode, 0)
        self.assertNotEqual(pub("wrong", "up/ann/t").returncode, 0)
        self.assertIn(b"ot authorized", pub("secret", "up/bob/t").stderr)
        for version, refused in ((mqtt.MQTTv5, NOT_AUTHORIZED), (mqtt.MQTTv311, 0x80)):
            ann = Paho(self, broker.port, "ann", "secret", version, authority.ca)
            self.assertEqual(ann.code, 0)
            self.assertEqual(ann.subscribe("down/x"), 1)
            self.assertEqual(ann.subscribe("#"), refused)
            wrong = Paho(self, broker.port, "ann", "wrong", version, authority.ca)
            self.assertEqual(wrong.code, WRONG if version == mqtt.MQTTv5 else OLD_WRONG)

    def test_the_service_stops_and_comes_back(self):
        broker = self.start(authentication=[self.table()])
        ann = self.connected(broker, "ann", "secret", "ann's")
        self.stop()
        try:
            self.assertEqual(connack(broker.port, "ann", "secret"), UNAVAILABLE)
            self.assertEqual(connack(broker.port, "ann", "secret", version=4), OLD_UNAVAILABLE)
            self.assertEqual(connack(broker.port, "ann", "wrong"), UNAVAILABLE)
            self.pings([ann])
            broker.wait_for_log("cannot be asked")
        finally:
            self.begin()
        self.becomes(ALLOWED, lambda: connack(broker.port, "ann", "secret"))
        self.assertEqual(connack(broker.port, "ann", "wrong"), WRONG)
        self.pings([ann])

    def test_the_service_hangs_and_nobody_else_waits(self):
        broker = self.start("--set", "auth.workers=2", authentication=[self.table(timeout="15s")])
        served = [self.connected(broker, "ann", "secret", f"served-{i}") for i in range(8)]
        self.hang()
        try:
            # More than there are threads to ask, on both cores.
            waiting = [self.asks(broker, "ann", "secret", f"asks-{i}") for i in range(6)]
            self.pings(served)
            self.assertEqual([client for client in waiting if client.readable()], [])
            waiting.pop().close()  # one has had enough
        finally:
            self.go_on()
        self.assertEqual({self.answer(client) for client in waiting}, {ALLOWED})
        self.pings(served)

    def test_the_service_hangs_for_too_long(self):
        broker = self.start(authentication=[self.table(timeout="500ms")])
        self.assertEqual(connack(broker.port, "ann", "secret"), ALLOWED)
        self.hang()
        try:
            self.assertEqual(connack(broker.port, "ann", "secret"), UNAVAILABLE)
        finally:
            self.go_on()
        self.becomes(ALLOWED, lambda: connack(broker.port, "ann", "secret"))
        self.assertEqual(connack(broker.port, "ann", "wrong"), WRONG)

    def test_the_broker_stops_while_questions_wait(self):
        broker = self.start(authentication=[self.table(timeout="15s")])
        self.hang()
        try:
            for i in range(6):
                self.asks(broker, "ann", "secret", f"asks-{i}")
            self.assertEqual(broker.stop(), 0, broker.log()[-2000:])
        finally:
            self.go_on()

    def test_a_reload_while_questions_wait(self):
        broker = self.start(authentication=[self.table(timeout="15s")])
        served = [self.connected(broker, "ann", "secret", f"served-{i}") for i in range(4)]
        self.hang()
        try:
            # Fewer than there are threads to ask: one is left for the others.
            waiting = [self.asks(broker, "ann", "secret", f"asks-{i}") for i in range(3)]
            self.pings(served, 1)
            self.config(authentication=[self.users(("bob", "other"))])
            self.reload()
            # Whoever comes now is asked about elsewhere.
            self.becomes(ALLOWED, lambda: connack(broker.port, "bob", "other", client_id="bob's"))
            self.assertEqual(connack(broker.port, "ann", "secret", client_id="again"), WRONG)
            self.assertEqual([client for client in waiting if client.readable()], [])
        finally:
            self.go_on()
        self.assertEqual({self.answer(client) for client in waiting}, {ALLOWED})
        self.pings(served + waiting)

    def test_remembered_answers(self):
        broker = self.start(authentication=[self.table(cache="10m")])
        self.assertEqual(connack(broker.port, "ann", "secret"), ALLOWED)
        self.stop()
        try:
            self.assertEqual(connack(broker.port, "ann", "secret"), ALLOWED)
            self.assertEqual(connack(broker.port, "ann", "wrong"), UNAVAILABLE)
            self.assertEqual(connack(broker.port, "root", "secret"), UNAVAILABLE)
        finally:
            self.begin()

    def test_remembered_answers_are_forgotten(self):
        broker = self.start(authentication=[self.table(cache="1s")])
        self.assertEqual(connack(broker.port, "ann", "secret"), ALLOWED)
        self.set_password("ann", "changed")
        self.addCleanup(self.set_password, "ann", "secret")
        self.becomes(WRONG, lambda: connack(broker.port, "ann", "secret"))
        self.becomes(ALLOWED, lambda: connack(broker.port, "ann", "changed"))
