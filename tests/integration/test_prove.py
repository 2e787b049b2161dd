"""`martlet prove`: what was acknowledged survives kill -9; and a broker that forgets is found out."""

import json
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from support import MARTLET, PATIENCE_S, free_port, run, wait_until

ALONE = True  # tests/integration/run
KILL_AND_START = pathlib.Path(__file__).resolve().parents[2] / "devtools" / "kill-and-start"
PROVE_S = 120  # no run takes as long


class RestartedBroker:
    """A broker on a port of its own that `restart_command` ends with SIGKILL and starts again."""

    def __init__(self, *arguments):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="martlet-test-"))
        self.port = free_port()
        self.log, self.pid_file = self.path / "log", self.path / "pid"
        arguments = [argument.replace("DIRECTORY", str(self.path / "data")) for argument in arguments]
        if "--data" not in arguments:
            arguments += ["--data", "none"]
        command = [KILL_AND_START, self.pid_file, self.log, MARTLET, "broker", "--listen", f"127.0.0.1:{self.port}", *arguments]
        self.restart_command = shlex.join(map(str, command))

    def __enter__(self):
        subprocess.run(["/bin/sh", "-c", self.restart_command], check=True, stdin=subprocess.DEVNULL)
        wait_until(self.answers, "the broker", self.log_text)
        return self

    def __exit__(self, kind, error, trace):
        subprocess.run(["kill", "-KILL", self.pid_file.read_text().strip()], check=False)
        shutil.rmtree(self.path, ignore_errors=True)

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log_text(self):
        return self.log.read_text(errors="replace")[-2000:]

    def prove(self, *arguments):
        return [MARTLET, "prove", "--port", str(self.port), *arguments]


class Prove(unittest.TestCase):
    def check(self, broker, expect, *arguments):
        command = [*broker.prove("--json", *arguments), "--restart-command", broker.restart_command]
        done = subprocess.run(command, capture_output=True, timeout=PROVE_S)
        explanation = f"{done.stdout!r} {done.stderr!r}\n{broker.log_text()}"
        self.assertEqual(done.returncode, expect, explanation)
        return json.loads(done.stdout)

    def test_nothing_acknowledged_is_lost(self):
        with RestartedBroker("--data", "DIRECTORY") as broker:
            for version, restarts in (("5", 5), ("311", 3)):
                with self.subTest(version=version):
                    result = self.check(broker, 0, "-V", version, "--restarts", str(restarts), "--restart-every", "0.1s..1.5s")
                    self.assertEqual(result["verdict"], "proved")
                    self.assertEqual(result["restarts"], restarts)
                    self.assertGreater(result["acknowledged"]["qos1"], 100)
                    self.assertGreater(result["acknowledged"]["qos2"], 100)
                    self.assertEqual(result["forgotten_subscribers"] + result["forgotten_publishers"], 0)
                    self.assertEqual(result["not_acknowledged"], 0)

    def test_a_broker_that_forgets_is_found_out(self):
        with RestartedBroker() as broker:
            result = self.check(broker, 1, "--restarts", "2", "--drain", "1s")
            self.assertEqual(result["verdict"], "refuted")
            self.assertGreater(result["lost"]["qos1"], 0)
            self.assertGreater(result["lost"]["qos2"], 0)
            self.assertGreater(result["forgotten_subscribers"], 0)
            self.assertIn("lost", result["examples"][0])

    def test_without_restarts(self):
        with RestartedBroker() as broker:
            done = run(*broker.prove("--messages", "500", "--rate", "0", "--seed", "7"))
            self.assertIn(b"proved (seed 7)", done.stdout)

    def test_sessions_are_gone_afterwards(self):
        with RestartedBroker("--data", "DIRECTORY") as broker:
            run(*broker.prove("--messages", "100", "--rate", "0"))
            self.check(broker, 0, "--restarts", "1", "--restart-every", "0")
            self.assertIn(" 8 sessions", self.last_start(broker))
            # The end of a session waits for no sync of its own; a retained message behind it does.
            run(MARTLET, "pub", "-p", str(broker.port), "-q", "1", "-r", "-t", "x", "-m", "1")
            subprocess.run(["/bin/sh", "-c", broker.restart_command], check=True)
            wait_until(lambda: " 0 sessions, 1 retained" in self.last_start(broker), "an empty start", broker.log_text)

    @staticmethod
    def last_start(broker):
        lines = [line for line in broker.log.read_text().splitlines() if "owed messages are back" in line]
        return lines[-1] if lines else ""

    def test_an_interrupt_ends_it(self):
        with RestartedBroker() as broker:
            process = subprocess.Popen(broker.prove("--duration", "10m"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            wait_until(lambda: "session resumed" in broker.log.read_text(), "a subscriber to come back", broker.log_text)
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=PATIENCE_S)
            self.assertEqual(process.returncode, 3, error)
            self.assertIn(b"interrupted", out + error)

    def test_what_cannot_be_run(self):
        done = run(MARTLET, "prove", "--port", str(free_port()), expect=3)
        self.assertIn(b"cannot connect", done.stderr)
        with RestartedBroker() as broker:
            done = run(*broker.prove("--restart-command", "exit 4", "--restart-every", "0"), expect=3)
            self.assertIn(b"status 4", done.stderr)
        done = run(MARTLET, "prove", "--restarts", "3", expect=2)
        self.assertIn(b"--restart-command", done.stderr)


if __name__ == "__main__":
    unittest.main()
