"""The log that programs read: standard error is a pipe, so each line is JSON, with its facts as fields."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import unittest

from certificates import Authority
from support import MARTLET, PATIENCE_S, RawClient, login, packet, run, text, wait_until
from test_tls import listener

PASSWORD = "Kb9-geheim-77"
FAILURES_BEFORE_BAN = 5
EVIL = "x\n{\"level\":\"error\"}\x1b[2J"


class PipedBroker:
    """A broker whose log goes into a pipe and whose format nobody has set."""

    def __init__(self, config):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MARTLET_")}
        self.process = subprocess.Popen(
            [MARTLET, "broker", "--config", str(config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
        )
        self.raw = []
        self.reader = threading.Thread(target=lambda: self.raw.extend(self.process.stderr))
        self.reader.start()

    def entries(self):
        return [json.loads(line) for line in list(self.raw)]

    def wait_for(self, pattern, **fields):
        """The first entry whose message has `pattern` and that has these fields."""
        def found():
            return [
                entry for entry in self.entries()
                if re.search(pattern, entry["message"]) and all(entry.get(name) == value for name, value in fields.items())
            ]
        wait_until(found, f"log entry {pattern!r} {fields}", lambda: b"".join(self.raw).decode()[-3000:])
        return found()[0]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            self.reader.join()
            self.process.stdout.close()
            self.process.stderr.close()


class JsonLog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="martlet-logs-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        certificate, key = Authority(cls.folder / "ca").issue("server")
        run(MARTLET, "passwd", "-c", "-b", str(cls.folder / "users"), "ada", PASSWORD)
        (cls.folder / "rules.toml").write_text('[[rule]]\neffect = "allow"\npublish = "mine/#"\n')
        (cls.folder / "shadow.toml").write_text('[[rule]]\neffect = "allow"\npublish = "other/#"\n')
        config = cls.folder / "martlet.toml"
        config.write_text(
            f'[server]\ncontrol = "{cls.folder}/control.sock"\ndata_dir = "none"\n'
            f'[abuse]\nexempt = []\nfailures_before_ban = {FAILURES_BEFORE_BAN}\nfailure_window = "1h"\nban_time = "1h"\n'
            + listener(name="plain") + listener(name="secure", tls__certificate=certificate, tls__key=key)
            + listener(name="web", protocol="ws")
            + f'[[authentication]]\nkind = "file"\nname = "users"\npath = "{cls.folder}/users"\n'
            + f'[[authorization]]\nkind = "rules"\nname = "rules"\npath = "{cls.folder}/rules.toml"\n'
            + f'[[authorization]]\nkind = "rules"\nname = "new"\npath = "{cls.folder}/shadow.toml"\nshadow = true\n'
        )
        cls.refused = 0  # log-ins, of all tests: they come from one address
        cls.broker = PipedBroker(config)
        cls.addClassCleanup(cls.broker.stop)
        cls.broker.wait_for("has started")
        cls.ports = {
            entry["listener"]: int(entry["port"])
            for entry in cls.broker.entries() if "port" in entry
        }

    def connect(self, client_id, password=PASSWORD, user="ada"):
        """A client and the reason of its CONNACK."""
        client = RawClient(self.ports["plain"])
        self.addCleanup(client.__exit__, None, None, None)
        client.send(login(user, None if user is None else password, client_id=client_id))
        header, answer = client.read_packet()
        self.assertEqual(header, 0x20)
        type(self).refused += answer[1] != 0
        return client, answer[1]

    def ctl(self, *arguments):
        return run(MARTLET, "ctl", *arguments, "--control", f"{self.folder}/control.sock").stdout.decode()

    def test_1_the_start_tells_of_each_listener(self):
        started = self.broker.wait_for("has started", level="info")
        self.assertEqual(started["data"], "none")
        self.assertRegex(started["threads"], r"^\d+$")
        plain = self.broker.wait_for("^listener \"plain\"", room="net", level="info")
        self.assertEqual((plain["protocol"], plain["tls"], plain["authentication"]), ("mqtt", "none", "users"))
        self.assertEqual(plain["address"], f"127.0.0.1:{plain['port']}")
        self.assertEqual(self.broker.wait_for("^listener", listener="secure")["tls"], "tls")
        self.assertEqual(self.broker.wait_for("^listener", listener="web")["protocol"], "ws")

    def test_2_a_client_comes_may_not_publish_and_goes(self):
        client, reason = self.connect("dev-1")
        self.assertEqual(reason, 0)
        for topic in ("theirs", "theirs", "theirs", EVIL.replace("\n", "")):
            client.send(packet(0x30, text(topic) + b"\0x"))
        client.send(packet(0xE0, b""))
        who = {"client": "dev-1", "user": "ada", "listener": "plain", "room": "broker"}
        connected = self.broker.wait_for("is connected as \"ada\"", level="info", **who)
        self.assertRegex(connected["address"], r"^127\.0\.0\.1:\d+$")
        denied = self.broker.wait_for("may not publish", level="warning", address=connected["address"], **who)
        self.assertEqual((denied["topic"], denied["action"]), ("theirs", "publish"))
        self.assertTrue(denied["rule"])
        self.broker.wait_for("is gone: the client said goodbye", level="info", **who)
        ends = [entry for entry in self.broker.entries() if entry.get("client") == "dev-1" and "left_out" in entry]
        self.assertEqual(sum(int(entry["left_out"]) for entry in ends), 3, "nothing is left out untold")

    def test_3_a_refused_log_in_has_one_line(self):
        _, reason = self.connect(EVIL, password="wrong-" + PASSWORD)
        self.assertEqual(reason, 0x86)
        refused = self.broker.wait_for("is refused", client=EVIL)
        self.assertEqual((refused["level"], refused["user"], refused["reason_code"]), ("warning", "ada", "0x86"))
        self.assertEqual(refused["reason"], "authentication: users: wrong password")
        self.assertEqual([entry["message"] for entry in self.broker.entries() if entry.get("client") == EVIL],
                         [refused["message"]])
        self.connect("nobody", user=None)
        anonymous = self.broker.wait_for("\\(anonymous\\).* is refused", client="nobody", reason_code="0x87")
        self.assertNotIn("user", anonymous)

    def test_4_a_tls_handshake_that_fails(self):
        with socket.create_connection(("127.0.0.1", self.ports["secure"])) as client:
            client.sendall(b"this is no TLS\r\n\r\n")
            client.settimeout(PATIENCE_S)
            try:
                while client.recv(1000):
                    pass
            except ConnectionResetError:
                pass
            address = "%s:%d" % client.getsockname()
        self.broker.wait_for("TLS", room="net", level="warning", address=address, listener="secure")

    def test_5_shadow_rules(self):
        client, _ = self.connect("dev-5")
        client.send(packet(0x30, text("other/\x7f") + b"\0x"))
        shadow = self.broker.wait_for("^shadow: ", room="auth", user="ada")
        self.assertEqual((shadow["would_be"], shadow["topic"]), ("allowed", "other/\x7f"))
        shown = self.ctl("shadow")
        self.assertIn('topic="other/\\x7f"', shown)
        self.assertNotIn("\x7f", shown)
        shown = self.ctl("shadow", "--json")
        self.assertNotIn("\x7f", shown)
        self.assertIn("other/\x7f", [row["topic"] for row in json.loads(shown)["difference"]])

    def test_6_a_ban_and_who_is_turned_away(self):
        # Each gets its answer, and the ban stands before the last one does: the log may tell of it later.
        self.assertLess(self.refused, FAILURES_BEFORE_BAN)
        while self.refused < FAILURES_BEFORE_BAN:
            self.assertEqual([entry for entry in self.broker.entries() if "banned" in entry], [])
            self.assertEqual(self.connect(f"attacker-{self.refused}", password="wrong")[1], 0x86)
        entry = self.broker.wait_for("is banned for 3600 s", level="warning", room="net", banned="127.0.0.1")
        self.assertEqual((entry["address"], entry["seconds"], entry["reason"]), ("127.0.0.1", "3600", "abuse.failures_before_ban"))
        self.assertEqual(json.loads(self.ctl("bans", "--json"))["ban"][0]["address"], "127.0.0.1")
        self.assertIn("address=127.0.0.1 ", self.ctl("bans"))
        with socket.create_connection(("127.0.0.1", self.ports["plain"])) as client:
            address = "%s:%d" % client.getsockname()
            client.settimeout(PATIENCE_S)
            self.assertEqual(client.recv(1), b"")
            turned = self.broker.wait_for("turned away", level="warning", room="net", listener="plain")
        self.assertEqual((turned["reason"], turned["address"]), ("the address is banned", address))
        self.ctl("unban", "127.0.0.1")

    def test_7_every_line_is_json_and_no_secret_is_in_it(self):
        self.assertGreater(len(self.broker.raw), 10)
        for entry in self.broker.entries():
            self.assertLessEqual({"time", "level", "message"}, set(entry))
            self.assertTrue(all(isinstance(value, str) for value in entry.values()), entry)
        self.assertNotIn(PASSWORD, b"".join(self.broker.raw).decode())
        self.assertNotIn("\x1b", b"".join(self.broker.raw).decode())


class StartThatFails(unittest.TestCase):
    def test_it_is_an_entry_too(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MARTLET_")}
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = subprocess.run(
                [MARTLET, "broker", "--data", "none", "--listen", "127.0.0.1:%d" % taken.getsockname()[1]],
                capture_output=True, env=environment, timeout=PATIENCE_S,
            )
        self.assertEqual(done.returncode, 1)
        entries = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertEqual(entries[-1]["level"], "error")
        self.assertIn("choose another address", entries[-1]["message"])


if __name__ == "__main__":
    unittest.main()
