"""`martlet config` and `martlet migrate`, the environment, and a broker with a mosquitto.conf."""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from support import MARTLET, PATIENCE_S, run


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
