"""Mosquitto's acl_file: the same files, clients and topics given to Mosquitto and to `martlet acl explain`. What
Mosquitto lets a client publish and receive is the truth."""

import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import unittest

from support import MARTLET, PATIENCE_S, RawClient, free_port, packet, publish, subscribe, text, wait_until

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto"
NOT_AUTHORIZED = 0x87
# Sends what the others are to receive; its own rules come before all patterns.
ORACLE = "user the oracle\ntopic readwrite #\ntopic readwrite $x/#\n"

# (what the file shows, its text, [(user or None, client identifier, "publish" or "receive", topic)])
FILES = [
    (
        "rules of users and of nobody",
        """# a comment
topic read public/#
topic write inbox
topic both/#

user ann
topic a/#
topic read only/read
topic write only/write
topic readwrite only/both
user bob
topic read a/+/c
user ann
topic late
""",
        [
            (None, "c", "receive", "public/x"),
            (None, "c", "receive", "public"),
            (None, "c", "publish", "public/x"),
            (None, "c", "publish", "inbox"),
            (None, "c", "receive", "inbox"),
            (None, "c", "publish", "both/x"),
            (None, "c", "receive", "both/x"),
            (None, "c", "publish", "a/x"),
            ("ann", "c", "publish", "a/x/y"),
            ("ann", "c", "publish", "a"),
            ("ann", "c", "receive", "a/x"),
            ("ann", "c", "receive", "public/x"),
            ("ann", "c", "receive", "only/read"),
            ("ann", "c", "publish", "only/read"),
            ("ann", "c", "receive", "only/write"),
            ("ann", "c", "publish", "only/write"),
            ("ann", "c", "publish", "only/both"),
            ("ann", "c", "receive", "only/both"),
            ("ann", "c", "publish", "late"),
            ("bob", "c", "receive", "a/b/c"),
            ("bob", "c", "receive", "a/b/d"),
            ("bob", "c", "receive", "a/b/c/d"),
            ("bob", "c", "publish", "a/b/c"),
            ("bob", "c", "publish", "late"),
            ("carl", "c", "receive", "public/x"),
            ("Ann", "c", "publish", "a/x"),
        ],
    ),
    (
        "denials come first wherever they stand",
        """topic #
topic deny secret/#
user ann
topic readwrite a/#
topic deny a/secret
topic readwrite a/secret
topic deny +/x
""",
        [
            (None, "c", "publish", "secret/x"),
            (None, "c", "receive", "secret"),
            (None, "c", "receive", "other"),
            ("ann", "c", "publish", "a/secret"),
            ("ann", "c", "receive", "a/secret"),
            ("ann", "c", "publish", "a/x"),
            ("ann", "c", "publish", "a/y"),
            ("ann", "c", "publish", "a/x/y"),
        ],
    ),
    (
        "patterns",
        """user ann
topic readwrite mine
topic readwrite up/bob/forced
pattern write up/%u/#
pattern read down/%c
pattern readwrite both/%u/%c
pattern mix/x-%c-y/%u
pattern read all/#
""",
        [
            ("ann", "c1", "publish", "up/ann/x"),
            ("ann", "c1", "publish", "up/bob/x"),
            ("ann", "c1", "publish", "up/bob/forced"),
            ("ann", "c1", "publish", "mine"),
            ("ann", "c1", "receive", "up/ann/x"),
            ("ann", "c1", "receive", "down/c1"),
            ("ann", "c1", "receive", "down/c2"),
            ("ann", "c1", "publish", "both/ann/c1"),
            ("ann", "c1", "receive", "both/ann/c1"),
            ("ann", "c1", "publish", "both/ann/c2"),
            ("ann", "c1", "publish", "mix/x-c1-y/ann"),
            (None, "c1", "publish", "up//x"),
            (None, "c1", "publish", "up/%u/x"),
            (None, "c1", "receive", "down/c1"),
            (None, "c1", "receive", "all/x"),
            (None, "c1", "publish", "all/x"),
            ("bob", "c1", "publish", "mine"),
            ("a/b", "c1", "publish", "up/a/b/x"),
            ("ann", "x/y", "receive", "down/x/y"),
        ],
    ),
    (
        "denying patterns",
        """user ann
topic readwrite p/ann/secret
pattern readwrite p/%u/#
pattern deny p/+/secret
pattern deny q/%c
pattern readwrite q/#
""",
        [
            ("ann", "c", "publish", "p/ann/secret"),
            ("bob", "c", "publish", "p/bob/secret"),
            ("bob", "c", "publish", "p/bob/x"),
            ("bob", "c", "publish", "q/c"),
            ("bob", "c", "receive", "q/c"),
            ("bob", "c", "publish", "q/d"),
        ],
    ),
    (
        "names with wildcards, where there are patterns",
        """topic own
user an+
topic own
user a#
topic own
pattern readwrite up/%c
pattern readwrite all/#
""",
        [
            (None, "+", "publish", "own"),
            (None, "+", "publish", "up/x"),
            (None, "#", "receive", "all/x"),
            (None, "c", "receive", "all/x"),
            ("an+", "c", "publish", "own"),
            ("an+", "c", "publish", "all/x"),
            ("a#", "c", "receive", "all/x"),
            ("ann", "c+", "publish", "all/x"),
        ],
    ),
    (
        "names with wildcards, where there are none",
        "topic own\nuser an+\ntopic own\n",
        [
            (None, "#", "publish", "own"),
            ("an+", "+", "publish", "own"),
        ],
    ),
    (
        "topics that begin with a dollar",
        """topic #
topic +/y
user ann
topic $x/#
topic read $SYS/broker/version
pattern read $x/pattern/%c
pattern readwrite #
""",
        [
            (None, "c", "publish", "$x/y"),
            (None, "c", "receive", "$x/y"),
            (None, "c", "receive", "a/$x"),
            ("ann", "c", "publish", "$x/y"),
            ("ann", "c", "receive", "$x/y"),
            ("ann", "c", "receive", "$x"),
            ("ann", "c", "publish", "x"),
            ("bob", "c", "receive", "$x/pattern/c"),
            ("bob", "c", "receive", "$x/pattern/d"),
            ("bob", "c", "publish", "$x/pattern/c"),
            ("bob", "c", "publish", "x"),
        ],
    ),
    (
        "a file of patterns alone",
        "pattern write %u\n",
        [
            ("ann", "c", "publish", "ann"),
            ("ann", "c", "publish", "bob"),
            (None, "c", "publish", "ann"),
        ],
    ),
    (
        "blanks",
        "  topic   read   with space/x  \nuser   two words  \ntopic write mine \t\r\nuser tab\ntopic write\t\n\r\n",
        [
            (None, "c", "receive", "with space/x"),
            (None, "c", "publish", "with space/x"),
            ("two words", "c", "publish", "mine"),
            ("two words", "c", "receive", "mine"),
            ("tab", "c", "receive", "write"),
            ("tab", "c", "publish", "x"),
        ],
    ),
]

# Files that Mosquitto does not start with, and some that it does.
LINES = [
    "topic a/b",
    "topic foo bar",
    "topic read a b",
    "topic read a#b",
    "topic read a/+b",
    "topic read #/a",
    "topic Read a",
    "topic read",
    "topic deny",
    "topic",
    "topic ",
    "TOPIC a",
    "topics a",
    "  topic a",
    "\ttopic a",
    "  # comment",
    "#comment",
    "user",
    "user  ",
    "user a b",
    "pattern",
    "pattern %c/%u/%z",
    "pattern deny %c%u",
    "pattern %c+",
    "hello",
    "   ",
    "topic readwrite  x",
    "topic none x",
    "topic read $SYS/#",
    "topic $share/g/a",
]


class Mosquitto:
    """Mosquitto with an acl_file; as a context manager stopped at the end. `refused`: it did not start with it."""

    def __init__(self, folder, acl):
        self.port = free_port()
        config = pathlib.Path(folder, "mosquitto.conf")
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nacl_file {acl}\n")
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: self.process.poll() is not None or self.accepts(), "mosquitto")
        self.refused = self.process.poll() is not None

    def accepts(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


class Client(RawClient):
    """A client of MQTT 5 that may have a user name."""

    def __init__(self, port, client_id, user=None):
        super().__init__(port)
        flags = 2 | (0x80 if user is not None else 0)
        body = text("MQTT") + struct.pack("!BBH", 5, flags, 0) + b"\0" + text(client_id)
        self.send(packet(0x10, body + (text(user) if user is not None else b"")))
        header, body = self.read_packet()
        assert (header, body[1]) == (0x20, 0), (header, body)

    def may_publish(self, topic):
        self.send(publish(topic, b"x", qos=1))
        header, body = self.read_packet()
        assert header == 0x40, (header, body)
        return len(body) < 3 or body[2] != NOT_AUTHORIZED

    def subscribe(self, topic):
        self.send(subscribe(topic))
        header, body = self.read_packet()
        assert (header, body[-1]) == (0x90, 0), (header, body)

    def has_received(self):
        """Whether a message came before the answer to a ping."""
        self.send(packet(0xC0, b""))
        received = False
        while (got := self.read_packet()[0]) != 0xD0:
            received = received or got & 0xF0 == 0x30
        return received


def observed(broker, user, client_id, action, topic):
    with Client(broker.port, client_id, user) as client:
        if action == "publish":
            return client.may_publish(topic)
        client.subscribe(topic)
        # Mosquitto has one thread: when it acknowledges the message, its receivers have it.
        with Client(broker.port, "the oracle", "the oracle") as oracle:
            assert oracle.may_publish(topic), topic
        return client.has_received()


def explained(acl, user, client_id, action, topic):
    command = [MARTLET, "acl", "explain", "--mosquitto-acl", acl, "--lenient-subscribe", "--json"]
    command += [f"--client={client_id}"] + ([f"--user={user}"] if user else [])
    done = subprocess.run([*command, "--", action, topic], capture_output=True, timeout=PATIENCE_S)
    assert done.returncode in (0, 1), done.stderr
    decision = json.loads(done.stdout)
    assert decision["allowed"] == (done.returncode == 0), done.stdout
    return decision


class AclPeerTest(unittest.TestCase):
    def test_decisions(self):
        allowed = denied = 0
        for name, acl_text, cases in FILES:
            with tempfile.TemporaryDirectory() as folder:
                os.chmod(folder, 0o755)
                acl = pathlib.Path(folder, "acl")
                acl.write_text(acl_text + ORACLE)
                with Mosquitto(folder, acl) as broker:
                    self.assertFalse(broker.refused, name)
                    for case in cases:
                        with self.subTest(name, case=case):
                            truth = observed(broker, *case)
                            decision = explained(acl, *case)
                            self.assertEqual(decision["allowed"], truth, decision)
                            allowed, denied = allowed + truth, denied + (not truth)
        print(f"acl_file: {allowed} allowed, {denied} denied, as Mosquitto does ... ", end="", flush=True)
        # Both ways are tried, not just one.
        self.assertGreater(allowed, 30)
        self.assertGreater(denied, 30)

    def test_files(self):
        for line in LINES:
            with self.subTest(line=line), tempfile.TemporaryDirectory() as folder:
                os.chmod(folder, 0o755)
                acl = pathlib.Path(folder, "acl")
                acl.write_text(f"topic first\n{line}\n")
                with Mosquitto(folder, acl) as broker:
                    done = subprocess.run([MARTLET, "acl", "check", acl], capture_output=True, timeout=PATIENCE_S)
                    self.assertEqual(done.returncode, 2 if broker.refused else 0, done.stderr + done.stdout)
                    if broker.refused:
                        self.assertIn(f"{acl}:2: ".encode(), done.stderr)


if __name__ == "__main__":
    unittest.main()
