"""A configuration as people have it: what `martlet migrate mosquitto` says of each line, and that what it makes behaves as Debian's
mosquitto does with the original; and the command line of the program mosquitto."""

import json
import re
import unittest

from mosquitto_peer import PeerCase
from support import MARTLET, free_port, packet, run

MAIN = """# Site broker
pid_file /run/mosquitto/mosquitto.pid
persistence false
log_dest file /var/log/mosquitto/mosquitto.log
log_type error
log_type warning
connection_messages true
max_inflight_messages 10
max_queued_messages 100
message_size_limit 1000
memory_limit 100000000
user root
plugin_opt_db postgres://mqtt:hunter2@db/mqtt
include_dir FOLDER/conf.d
"""
USERS = "per_listener_settings true\n"
INSIDE = """listener PORT1 127.0.0.1
allow_anonymous true
max_connections 50
mount_point inside/
"""
OUTSIDE = """listener PORT2 127.0.0.1
password_file FOLDER/users
acl_file FOLDER/acl
max_qos 1
http_dir /srv/www
"""
BRIDGE = """connection cloud
address cloud.example.org:8883
topic sensors/# out 1
remote_username site
remote_password hunter2
bridge_cafile /etc/ssl/certs/ca-certificates.crt
cleansession false
try_private false
"""


class MosquittoMigrate(PeerCase):
    def tree(self, ports):
        (self.folder / "conf.d").mkdir(exist_ok=True)
        self.file("acl", "user ada\ntopic readwrite inside/#\ntopic deny inside/secret\nuser bob\ntopic read inside/#\n")
        for name, content in (("00-users.conf", USERS), ("10-inside.conf", INSIDE), ("20-outside.conf", OUTSIDE), ("90-bridge.conf", BRIDGE)):
            for i, port in enumerate(ports):
                content = content.replace(f"PORT{i + 1}", str(port))
            self.file(f"conf.d/{name}", content.replace("FOLDER", str(self.folder)))
        return self.file("mosquitto.conf", MAIN.replace("FOLDER", str(self.folder)))

    def lines(self):
        """Place and key of every line that says something."""
        for path in [self.folder / "mosquitto.conf", *sorted((self.folder / "conf.d").iterdir())]:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if line and not line.startswith("#"):
                    yield f"{path}:{number}", line.split()[0]

    def test_every_line_is_reported(self):
        path = self.tree([free_port(), free_port()])
        report = json.loads(run(MARTLET, "migrate", "mosquitto", str(self.folder), "--json", "--output", str(self.folder / "m.toml"),
                                expect=1).stderr)
        self.assertEqual(report["errors"], [])
        self.assertEqual(sorted((line["place"], line["key"]) for line in report["lines"]), sorted(self.lines()))
        self.assertTrue(all(line["note"] and line["fate"] in ("kept", "changed", "no equal") for line in report["lines"]))
        fates = {line["key"]: line["fate"] for line in report["lines"]}
        self.assertEqual({key for key, fate in fates.items() if fate == "no equal"},
                         {"pid_file", "log_dest", "memory_limit", "plugin_opt_db", "http_dir"} |
                         {line.split()[0] for line in BRIDGE.splitlines()})
        as_text = run(MARTLET, "migrate", "mosquitto", str(path), expect=1)
        said = as_text.stderr.decode()
        for place, key in self.lines():
            self.assertRegex(said, rf"(?m)^(kept|changed|no equal) +{re.escape(place)}: {re.escape(key)} ")
        self.assertNotIn("hunter2", said + as_text.stdout.decode() + json.dumps(report))

    def test_the_result_behaves_as_the_original(self):
        ports = [free_port(), free_port()]
        path = self.tree(ports)
        # Debian's knows no such file and no such plugin, and must not call the cloud.
        for name in ("conf.d/90-bridge.conf",):
            (self.folder / name).unlink()
        original = path.read_text()
        self.file("mosquitto.conf", re.sub(r"(?m)^(pid_file|log_dest|plugin_opt).*\n", "", original))
        seen = [self.seen(command, ports[1], lambda: self.script(ports)) for command in self.commands(path, migrate=True)]
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])

    def script(self, ports):
        seen = []
        for port, version in ((port, version) for port in ports for version in (4, 5)):
            for who in ({}, {"user": b"ada", "password": b"pw"}, {"user": b"ada", "password": b"no"}):
                answer = self.client(port).connack(version=version, **who)
                # Mosquitto tells the maximum QoS even to those whom it refuses.
                seen.append(answer[0] if version == 5 and answer[0] else answer)
        inside = self.connected(ports[0], b"inside")
        ada = self.connected(ports[1], b"ada", user=b"ada", password=b"pw")
        bob = self.connected(ports[1], b"bob", user=b"bob", password=b"pw2")
        seen += [client.subscribe(b"#", 1) for client in (ada, bob)]
        for sender in (inside, ada, bob):
            for topic in (b"secret", b"inside/secret", b"inside/x"):
                sender.publish(topic, b"x", qos=1)
                seen.append((topic, sender.messages(), ada.messages(), bob.messages()))
        ada.publish(b"inside/x", b"x" * 1001, qos=1)
        seen.append((ada.messages(), bob.messages()))
        ada.send(packet(0xE0, b""))
        return seen

    def test_command_line(self):
        given, own, port = self.file("given.conf", ""), free_port(), free_port()
        own_conf = self.file("own.conf", f"listener {own} 127.0.0.1\nallow_anonymous true\n")
        self.file("given.conf", "max_inflight_messages 9\n")
        for arguments, at in ((["-c", str(given), "-p", str(port), "-v"], port), (["-p", str(port), "-v"], port),
                              (["--config-file", str(given), "--port", str(port), "--verbose"], port),
                              (["-c", str(own_conf), "-p", str(port)], own)):
            def script():
                answer = self.client(at).connack(version=5)
                with self.assertRaises(OSError):
                    self.client(port if at == own else own)
                return answer if "onf" in str(arguments) else answer[0]
            seen = [self.seen(command, at, script) for command in (
                ["mosquitto", *arguments], [MARTLET, "broker", *arguments, *(["--data", "none"] if "onf" not in str(arguments) else [])])]
            self.assertEqual(seen[0], seen[1], arguments)

    def test_what_the_command_line_refuses(self):
        for arguments in (["-p"], ["-p", "70000"], ["-p", "x"], ["-c"], ["-c", str(self.folder / "none")], ["--nonsense"], ["extra"]):
            self.assertNotEqual(run("mosquitto", *arguments, expect=None).returncode, 0, arguments)
            run(MARTLET, "broker", *arguments, expect=2)
        self.assertIn(b"-d", run(MARTLET, "broker", "-d", expect=2).stderr)

    def test_files_that_both_refuse(self):
        for content in ("max_packet_size 19\n", "allow_anonymous maybe\n", "nonsense 1\n", "password_file\n",
                        "allow_anonymous true\nper_listener_settings true\n", "persistent_client_expiration 5x\n", "max_qos 3\n",
                        "listener 70000\n", "log_type loud\n", "log_dest nowhere\n", "max_inflight_messages 70000\n",
                        "socket_domain ipx\nlistener 0\n", "protocol smtp\n", "acl_file FOLDER/none\n", "password_file FOLDER/none\n"):
            path = self.conf(content, [])
            for command in self.commands(path, migrate=False):
                with self.subTest(content=content, command=command[0]):
                    # Bounded: one that takes the file would run on.
                    done = run("timeout", "5", *command, "-p", str(free_port()), expect=None)
                    self.assertNotIn(done.returncode, (0, 124), done.stderr)


if __name__ == "__main__":
    unittest.main()
