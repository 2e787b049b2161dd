"""`martlet config` and `martlet migrate`, the environment, and a broker with a mosquitto.conf."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from certificates import Authority, openssl
from support import MARTLET, PATIENCE_S, run
from test_tls import listener


class Files(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="martlet-test-"))
        self.addCleanup(shutil.rmtree, self.path)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def martlet(self, *arguments, expect=0):
        done = run(MARTLET, *arguments, expect=expect)
        return done.stdout.decode(), done.stderr.decode()


class Config(Files):
    def test_explain(self):
        out, _ = self.martlet("config", "explain", "listener.tls.certificate")
        self.assertIn("a reload changes it", out)
        self.assertIn("[[listener]]", out)
        _, error = self.martlet("config", "explain", "limits.max_inflight", expect=2)
        self.assertIn('did you mean "limits.max_in_flight"?', error)
        self.assertIn("explain OPTION", self.martlet("config", "--help")[0])
        self.assertIn('did you mean "explain"?', self.martlet("config", "explian", "x", expect=2)[1])

    def test_check_lists_all_errors(self):
        good = self.write("good.toml", '[[listener]]\naddress = "127.0.0.1:1"\n')
        self.assertIn("in order", self.martlet("config", "check", good)[0])
        bad = self.write(
            "bad.toml",
            '[limits]\nmax_qeued = 1\n[[listener]]\naddress = "127.0.0.1:1"\ntls.client_ca = "x"\n'
            '[[authentication]]\nkind = "redis"\nurl = "tcp://:hunter2@h"\n',
        )
        _, error = self.martlet("config", "check", bad, expect=2)
        self.assertIn(f"{bad}:2: unknown option", error)
        self.assertIn(f"{bad}:5: listener 1: tls.client_ca needs", error)
        self.assertIn(f"{bad}:8: authentication 1: its url must begin with redis://", error)
        self.assertNotIn("hunter2", error)

    def test_check_opens_the_files(self):
        missing = self.write("c.toml", '[[authentication]]\nkind = "file"\npath = "users.txt"\n')
        _, error = self.martlet("config", "check", missing, expect=2)
        self.assertIn(f"{missing}:3: authentication 1: path: cannot open '{self.path}/users.txt'", error)

    def test_show_tells_where_values_come_from(self):
        path = self.write("c.toml", "limits.max_in_flight = 5\nlimits.receive_maximum = 5\n")
        done = subprocess.run(
            [MARTLET, "config", "show", "--json", "--set", "limits.receive_maximum=7"],
            env={"MARTLET_CONFIG": path, "MARTLET_LIMITS_MAX_IN_FLIGHT": "6"}, stdout=subprocess.PIPE, timeout=PATIENCE_S,
        )
        self.assertEqual(done.returncode, 0)
        shown = json.loads(done.stdout)
        self.assertEqual(shown["limits.max_in_flight"], {"value": "6", "from": "$MARTLET_LIMITS_MAX_IN_FLIGHT"})
        self.assertEqual(shown["limits.receive_maximum"], {"value": "7", "from": "--set"})
        self.assertEqual(shown["listener[0].address"], {"value": "127.0.0.1:1883", "from": "default"})

    def test_an_unknown_variable_stops_the_start(self):
        done = subprocess.run([MARTLET, "broker", "--check"], env={"MARTLET_LOG_LEVLE": "debug"},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b'did you mean "MARTLET_LOG_LEVEL"?', done.stderr)


class CheckAndStart(Files):
    """What the check says of a mistake is what the start says, and a reload too."""

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.path / "ca")
        self.certificate, self.key = self.authority.issue("server")

    def errors(self, *arguments):
        done = run(MARTLET, *arguments, expect=2)
        self.assertEqual(done.stdout, b"")
        lines = done.stderr.decode().splitlines()
        return [line.split(": ", 1)[1] for line in lines if ": warning: " not in line]

    def disagree(self, text, *expected):
        """That both refuse `text` with just these lines."""
        path = self.write("c.toml", text)
        told = self.errors("config", "check", path)
        self.assertEqual(self.errors("broker", "--config", path, "--data", "none", "--set", "log.level=error"), told)
        self.assertEqual(self.errors("broker", "--check", "--config", path), told)
        self.assertEqual(len(told), len(expected), told)
        for line, part in zip(told, expected):
            self.assertIn(part.replace("FILE", path), line)

    def tls(self, **options):
        return listener(**{"tls__certificate": self.certificate, "tls__key": self.key, **options})

    def test_tls(self):
        other = self.authority.issue("other")[1]
        junk = self.write("junk", "nothing")
        self.disagree(self.tls(tls__key=other), "FILE:4: listener 1: tls.key: the key in")
        self.disagree(self.tls(tls__certificate=junk), "FILE:3: listener 1: tls.certificate: no certificate in")
        self.disagree(self.tls(tls__client_ca=junk), "FILE:5: listener 1: tls.client_ca: no certificate in")
        self.disagree(self.tls(tls__client_ca=self.authority.ca, tls__crl=junk), "FILE:6: listener 1: tls.crl: no list")
        self.disagree(self.tls(tls__ciphers="NOTHING"), "FILE:5: listener 1: tls.ciphers: ")
        self.disagree(listener(tls__psk_file=junk), "FILE:3: listener 1: tls.psk_file: ")
        self.disagree(self.tls(tls__key="gone.key") + self.tls(tls__client_ca="gone.ca", tls__crl="gone.crl") +
                      listener(tls__psk_file=junk),
                      "FILE:4: listener 1: tls.key: cannot open", "FILE:9: listener 2: tls.client_ca: cannot open",
                      "FILE:10: listener 2: tls.crl: cannot open", "FILE:13: listener 3: tls.psk_file: ")

    def test_who_comes_in(self):
        self.write("users", "ada:secret\n")
        self.write("key.pem", "no key")
        self.write("rules.toml", '[[rule]]\neffect = "allow"\nall = "#"\nlistener = "publik"\n'
                                 '[[rule]]\neffect = "deny"\nall = "a/#b"\n')
        self.write("acl", "topic nothing a b\nuser\n")
        text = (listener(name="public") + '[[authentication]]\nkind = "file"\npath = "users"\n'
                '[[authentication]]\nkind = "jwt"\npublic_key_file = "key.pem"\n'
                '[[authentication]]\nkind = "redis"\nurl = "redis://h"\nkey = "x"\n')
        self.disagree(text + '[[authorization]]\nkind = "rules"\npath = "rules.toml"\nshadow = true\n'
                      '[[authorization]]\nkind = "mosquitto"\npath = "acl"\n',
                      "FILE:6: authentication 1: path: ", "FILE:9: authentication 2: public_key_file: ",
                      "FILE:13: authentication 3: key: has neither %u", "rules.toml:7: all: bad topic filter",
                      "FILE:20: authorization 2: path: ")
        self.write("rules.toml", '[[rule]]\neffect = "allow"\nall = "#"\nlistener = "publik"\n')
        self.disagree(listener(name="public") + '[[authorization]]\nkind = "rules"\npath = "rules.toml"\n',
                      'rules.toml:1: listener: there is no [[listener]] with the name "publik": did you mean "public"?')

    def test_addresses_and_accounts(self):
        self.disagree('[[listener]]\naddress = "no-such-host.invalid:1883"\n[[listener]]\naddress = "0.0.0.0:0"\n',
                      "FILE:2: listener 1: address: ", "FILE:4: listener 2: 0.0.0.0:0 can be reached by other machines")
        self.disagree('[[listener]]\naddress = "1883"\n', "FILE:2: listener 1: address: ")
        if os.geteuid() == 0:
            self.disagree('server.user = "no-such-user"\n' + listener(), 'FILE:1: server.user: there is no user "no-such-user"')
        self.disagree('name = “x”\n', "FILE:1:8: the character")
        self.disagree('[listner]\naddress = "x"\n', "FILE:2: unknown table [listner]: did you mean [[listener]]?")

    def test_json(self):
        path = self.write("c.toml", '[[authentication]]\nkind = "file"\npath = "gone"\n')
        done = run(MARTLET, "config", "check", path, "--json", expect=2)
        told = json.loads(done.stdout)
        self.assertFalse(told["ok"])
        self.assertEqual(told["errors"][0]["place"], f"{path}:3")
        self.assertTrue(told["errors"][0]["text"].startswith("authentication 1: path: cannot open"))
        self.write("gone", "")
        told = json.loads(run(MARTLET, "config", "check", path, "--json").stdout)
        self.assertEqual((told["ok"], told["errors"]), (True, []))
        self.assertTrue(any("has no users" in warning["text"] for warning in told["warnings"]), told)
        explained = json.loads(run(MARTLET, "config", "explain", "limits.max_packet_size", "--json").stdout)
        self.assertEqual(explained["environment"], "MARTLET_LIMITS_MAX_PACKET_SIZE")
        self.assertEqual(len(json.loads(run(MARTLET, "config", "explain", "store", "--json").stdout)),
                         len([line for line in self.martlet("config", "explain", "store")[0].splitlines() if line[:2] == "  "]))

    def test_certificates_that_end(self):
        lasting = self.authority.issue("lasting", days=13)[0:2]
        path = self.write("c.toml", listener(tls__certificate=lasting[0], tls__key=lasting[1]))
        self.assertNotIn("warning", self.martlet("config", "check", path)[1])
        openssl("x509", "-in", "lasting.pem", "-signkey", "lasting.key", "-days", "-1", "-out", "over.pem",
                folder=self.authority.folder)
        path = self.write("c.toml", listener(tls__certificate=self.authority.path("over.pem"), tls__key=lasting[1]))
        self.assertRegex(self.martlet("config", "check", path)[1], "warning: .*tls.certificate: .*expired on ")


class Migrate(Files):
    def test_a_directory(self):
        self.write("mosquitto.conf", f"pid_file /run/m.pid\ninclude_dir {self.path}/conf.d\n")
        self.write("conf.d/a.conf", "listener 1884 127.0.0.1\nallow_anonymous true\nmax_queued_messages 7\n")
        out, report = self.martlet("migrate", "mosquitto", str(self.path), expect=1)
        self.assertIn('address = "127.0.0.1:1884"', out)
        self.assertIn("max_queued_messages = 7", out)
        self.assertRegex(report, r"no equal  \S+/mosquitto.conf:1: pid_file /run/m.pid: ")
        self.assertRegex(report, r"kept      \S+/conf.d/a.conf:3: max_queued_messages 7: ")
        target = str(self.path / "martlet.toml")
        self.martlet("migrate", "mosquitto", str(self.path), "--output", target, expect=1)
        self.assertEqual(pathlib.Path(target).read_text(), out)
        self.martlet("config", "check", target)

    def test_exit_codes_and_json(self):
        path = self.write("m.conf", "listener 1884 127.0.0.1\nallow_anonymous true\n")
        self.martlet("migrate", "mosquitto", path)
        _, report = self.martlet("migrate", "mosquitto", path, "--json")
        self.assertEqual([line["fate"] for line in json.loads(report)["lines"]], ["kept", "kept"])
        path = self.write("m.conf", "listner 1884\n")
        out, error = self.martlet("migrate", "mosquitto", path, expect=2)
        self.assertEqual(out, "")
        self.assertIn('m.conf:1: unknown option "listner": did you mean "listener"?', error)


class WithMosquittosArguments(Files):
    def start(self, *arguments, says=""):
        """Starts a broker; returns its port once it has logged what matches `says` too: the log has a thread of its own."""
        process = subprocess.Popen([MARTLET, "broker", *arguments], cwd=self.path, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", "MARTLET_LOG_FORMAT": "text"})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, PATIENCE_S)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        output = ""
        for line in process.stdout:
            output += line.decode()
            found = re.search(r"listens on 127\.0\.0\.1:(\d+)", output)
            if found and re.search(says, output):
                return int(found.group(1))
        raise AssertionError(f"the broker did not start, or did not say {says!r}:\n{output}")

    def deliver(self, port):
        with subprocess.Popen(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "a/#", "-C", "1", "-W", str(PATIENCE_S)],
                              stdout=subprocess.PIPE) as subscriber:
            deadline = time.monotonic() + PATIENCE_S
            while subscriber.poll() is None and time.monotonic() < deadline:
                run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-t", "a/b", "-m", "hello", "-q", "1")
                time.sleep(0.05)
            self.assertEqual(subscriber.stdout.readline(), b"hello\n")

    def test_mosquitto_conf(self):
        conf = self.write("m.conf", "listener 0 127.0.0.1\nallow_anonymous true\npid_file /run/m.pid\n")
        self.deliver(self.start("-c", conf, "-v", says=r"m\.conf:3: pid_file /run/m\.pid \(no equal\)"))

    def test_port_alone(self):
        self.deliver(self.start("-p", "0", "-v", "--data", "none"))

    def test_no_daemon(self):
        _, error = self.martlet("broker", "-d", expect=2)
        self.assertIn("foreground", error)


if __name__ == "__main__":
    unittest.main()
