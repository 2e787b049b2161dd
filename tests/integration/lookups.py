"""What the tests of the look-ups share: a provider in a process of its own, services that are silent, and what holds of
every provider."""

import json
import os
import pathlib
import select
import socket
import subprocess
import tempfile
import time

from support import MARTLET, PATIENCE_S, in_thread, wait_until

LIVE = pathlib.Path(MARTLET).parent / "tests" / "lookups_live"


class Lookup:
    """A provider in a process of its own (tests/lookups)."""

    def __init__(self, test, *arguments):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([str(LIVE), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors)
        test.addCleanup(self.close)

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.errors.seek(0)
        errors = self.errors.read().decode()
        self.errors.close()
        if code != 0:
            raise AssertionError(f"lookups_live ended with {code}:\n{errors}")

    def ask(self, username=None, password=None, **more):
        client = {"username": username, "password": password, **more}
        line = json.dumps({name: value for name, value in client.items() if value is not None})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], PATIENCE_S)[0]:
            self.process.kill()
            raise AssertionError(f"no answer to {client}")
        answer = self.process.stdout.readline()
        assert answer, "lookups_live ended"
        return json.loads(answer)

    def opinion(self, *arguments, **more):
        return self.ask(*arguments, **more)["opinion"]


def error_of(*arguments):
    """What a provider's options are refused with."""
    done = subprocess.run([str(LIVE), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 2, done
    return json.loads(done.stdout)["error"]


class Trap:
    """Accepts connections at a port of its own; `serve` gets each in a thread."""

    def __init__(self, test, serve=lambda connection: None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        test.addCleanup(self.close)
        in_thread(lambda: self.run(serve))

    def run(self, serve):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            in_thread(lambda connection=connection: self.feed(connection, serve))

    @staticmethod
    def feed(connection, serve):
        try:
            serve(connection)
        except OSError:
            pass  # the other side had enough

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()


def drip(first, then=b"x"):
    """A server that begins well and goes on byte by byte, for ever."""

    def serve(connection):
        connection.sendall(first)
        while True:
            connection.sendall(then)
            time.sleep(0.02)

    return serve


class Silence:
    """What holds of every provider whose service says nothing; the class gives `silent(port)`, its arguments."""

    TIMEOUT_MS = 400

    def check_trap(self, serve, *more):
        trap = Trap(self, serve)
        lookup = Lookup(self, *self.silent(trap.port), "--timeout-ms", self.TIMEOUT_MS, *more)
        answers = lookup.ask("ann", "secret", at_once=6)
        self.assertEqual({answer["opinion"] for answer in answers}, {"failed"}, answers)
        # The bound is meant to tell a limit from none: waiting for ever would hang, and twice is once too often.
        self.assertLess(max(answer["took_ms"] for answer in answers), 10 * self.TIMEOUT_MS, answers)
        answer = lookup.ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertIn("is not asked for", answer["reason"])

    def test_a_service_that_accepts_and_never_answers(self):
        self.check_trap(lambda connection: None)

    def test_a_service_that_answers_a_byte_at_a_time(self):
        self.check_trap(drip(self.BEGINNING))

    def test_a_service_that_says_something_else(self):
        def serve(connection):
            connection.sendall(os.urandom(4096))
            connection.recv(65536)
            connection.close()

        self.check_trap(serve)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        lookup = Lookup(self, *self.silent(port))
        answer = lookup.ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertRegex(answer["reason"], "refused|Couldn't connect")

    def test_a_name_that_nobody_has(self):
        arguments = [str(word).replace("127.0.0.1", "nobody.invalid") for word in self.silent(9)]
        answer = Lookup(self, *arguments).ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")


class Restarts:
    """What holds of every provider whose service can be restarted; the class gives `lookup(*more)` and `service`."""

    def test_a_service_that_was_restarted_meanwhile(self):
        lookup = self.lookup("--connections", 3)
        self.assertEqual({answer["opinion"] for answer in lookup.ask("ann", "secret", at_once=6)}, {"allow"})
        self.service.kill()
        self.service.start()
        self.refill()
        # All connections died while nobody used them: no client notices.
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")

    def test_a_service_that_is_gone_and_comes_back(self):
        lookup = self.lookup()
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")
        self.service.kill()
        try:
            self.assertEqual(lookup.opinion("ann", "secret"), "failed")
            self.assertIn("is not asked for", lookup.ask("ann", "secret")["reason"])
        finally:
            self.service.start()
            self.refill()
        wait_until(lambda: lookup.opinion("ann", "secret") == "allow", "the service to be found again")
        self.assertEqual(lookup.opinion("ann", "wrong"), "refuse")

    def test_a_service_that_hangs_and_goes_on(self):
        lookup = self.lookup("--timeout-ms", 1500)
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")
        self.service.freeze()
        try:
            answer = lookup.ask("ann", "secret")
            self.assertEqual(answer["opinion"], "failed")
        finally:
            self.service.thaw()
        wait_until(lambda: lookup.opinion("ann", "secret") == "allow", "the service to be found again")
        # Answers that came too late are nobody else's.
        self.assertEqual(lookup.opinion("ann", "wrong"), "refuse")
        self.assertEqual(lookup.opinion("nobody", "secret"), self.NOBODY)

    def test_remembered_answers_outlive_the_service(self):
        lookup = self.lookup("--cache-s", 600)
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")
        self.service.kill()
        try:
            self.assertEqual(lookup.opinion("ann", "secret"), "allow")
            self.assertEqual(lookup.opinion("ann", "secret2"), "failed")
        finally:
            self.service.start()
            self.refill()

    def test_many_at_once(self):
        lookup = self.lookup("--connections", 2)
        for _ in range(5):
            self.assertEqual({a["opinion"] for a in lookup.ask("ann", "secret", at_once=8)}, {"allow"})
            self.assertEqual({a["opinion"] for a in lookup.ask("ann", "wrong", at_once=8)}, {"refuse"})

    def test_strange_texts_open_nothing_and_harm_nobody(self):
        # What MQTT keeps out is among them: the providers do not rely on it.
        lookup = self.lookup("--cache-s", 600)
        for text in ("a\0b", "\0", "\ufeff", "\u202e", "\r\nx", "%s%n%u%c", "${x}", "*)(uid=*", "' OR '1'='1", "\\", ":", "u" * 512,
                     "\u00e9" * 256, "\U0001f600" * 128):
            for user, password in ((text, text), (text, "secret"), ("ann", text), ("ann" + text, "secret")):
                self.assertNotEqual(lookup.opinion(user, password), "allow", (user, password))
            lookup.opinion("ann", "secret", client_id=text)
            self.assertEqual(lookup.opinion("ann", "secret"), "allow", text)
        for password in (None, ""):
            for user in (None, "", "ann"):
                self.assertNotEqual(lookup.opinion(user, password), "allow", (user, password))

    def refill(self):
        """For a service that forgets."""
