"""Who a client is: `martlet passwd`, the same files read by Mosquitto's tools, tokens and SCRAM against a real broker."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import pty
import select
import stat
import struct
import subprocess
import tempfile
import time
import unittest

from support import MARTLET, PATIENCE_S, Broker, RawClient, connack, packet, run, text
from test_tls import listener

SECRET = b"0123456789abcdef0123456789abcdef"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(claims, secret=SECRET):
    signed = encoded(b'{"alg":"HS256"}') + b"." + encoded(json.dumps(claims).encode())
    return (signed + b"." + encoded(hmac.new(secret, signed, "sha256").digest())).decode()


class Identity(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="martlet-identity-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.users = self.folder / "users"

    def passwd(self, *arguments, stdin=b"", expect=0):
        done = run(MARTLET, "passwd", *map(str, arguments), stdin=stdin, expect=expect)
        return (done.stdout + done.stderr).decode()

    def start(self, tables):
        config = self.folder / "martlet.toml"
        config.write_text(listener() + tables)
        broker = Broker("--config", str(config), listen=None)
        self.addCleanup(broker.stop)
        return broker

    def connack(self, broker, user=None, password=None):
        return connack(broker.port, user, password)


class Passwd(Identity):
    def test_the_whole_life_of_a_user(self):
        self.passwd("-b", self.users, "ada", "one", expect=3)
        self.passwd("-c", "-b", self.users, "ada", "one")
        self.assertEqual(stat.S_IMODE(os.stat(self.users).st_mode), 0o600)
        self.assertEqual(self.passwd(self.users, "bob", stdin=b"two\n"), "")
        self.assertEqual(self.passwd("--list", self.users), "ada\nbob\n")
        self.passwd("--check", self.users, "bob", stdin=b"two\n")
        self.passwd("--check", self.users, "bob", stdin=b"one\n", expect=1)
        self.passwd("-b", self.users, "ada", "three")
        self.passwd("-b", "--check", self.users, "ada", "one", expect=1)
        self.passwd("-b", "--check", self.users, "ada", "three")
        self.passwd("-D", self.users, "ada")
        self.assertEqual(self.passwd("--list", self.users), "bob\n")
        self.assertIn("no user", self.passwd("-D", self.users, "ada", expect=3))
        self.assertEqual(os.listdir(self.folder), ["users"])

    def test_plain_text_is_converted(self):
        self.users.write_text("# kept\nada:plain text\n")
        self.passwd("-U", self.users)
        self.assertNotIn("plain text", self.users.read_text())
        self.assertTrue(self.users.read_text().startswith("# kept\n"))
        self.passwd("-b", "--check", self.users, "ada", "plain text")

    def test_a_new_password_takes_the_old_scram_keys_away(self):
        self.passwd("-c", "-b", "--scram", self.users, "ada", "one")
        old = [line for line in self.users.read_text().splitlines() if "SCRAM" in line]
        self.passwd("-b", self.users, "ada", "two")
        new = [line for line in self.users.read_text().splitlines() if "SCRAM" in line]
        self.assertEqual((len(old), len(new)), (1, 1))
        self.assertNotEqual(old, new)

    def test_mosquittos_tool_and_ours_read_each_other(self):
        self.passwd("-c", "-b", "-H", "sha512-pbkdf2", self.users, "ada", "one")
        run("mosquitto_passwd", "-b", self.users, "bob", "two")
        self.passwd("-b", "--check", self.users, "bob", "two")
        self.passwd("-b", "--check", self.users, "ada", "one")
        self.passwd("-b", "--check", self.users, "bob", "one", expect=1)

    def at_terminal(self, *keys):
        """What a person sees who types `keys`, one after each prompt; and the exit code."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(MARTLET, [MARTLET, "passwd", "-c", str(self.users), "ada"])
        seen, left = b"", list(keys)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if left and (seen.endswith(b"Password: ") or seen.endswith(b"again: ")):
                os.write(terminal, left.pop(0))
        os.close(terminal)
        return seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_at_a_terminal_it_asks_twice_and_shows_nothing(self):
        seen, code = self.at_terminal(b"geheim\r", b"geheim\r")
        self.assertEqual(code, 0, seen)
        self.assertNotIn("geheim", seen)
        self.passwd("-b", "--check", self.users, "ada", "geheim")
        seen, code = self.at_terminal(b"geheimx\x7f\r", b"wrong\x15geheim\r")
        self.assertEqual(code, 0, seen)
        seen, code = self.at_terminal(b"geheim\r", b"other\r")
        self.assertEqual(code, 3, seen)
        self.assertIn("differ", seen)
        seen, code = self.at_terminal(b"gehei\x03")
        self.assertEqual(code, 3, seen)


class Chain(Identity):
    def test_users_of_a_file(self):
        self.passwd("-c", "-b", self.users, "ada", "one")
        broker = self.start(f'[[authentication]]\nkind = "file"\npath = "{self.users}"\n')
        self.assertEqual(self.connack(broker, "ada", "one"), 0)
        self.assertEqual(self.connack(broker, "ada", "two"), 0x86)
        self.assertEqual(self.connack(broker, "ada"), 0x86)
        self.assertEqual(self.connack(broker, "bob", "one"), 0x86)
        self.assertEqual(self.connack(broker), 0x87)

    def test_a_session_is_its_users(self):
        self.passwd("-c", "-b", self.users, "ada", "one")
        self.passwd("-b", self.users, "bob", "two")
        broker = self.start(f'[[authentication]]\nkind = "file"\npath = "{self.users}"\n')

        def subscribe(user, password, *more):
            return subprocess.run(
                ["mosquitto_sub", "-p", str(broker.port), "-i", "pump", "-c", "-q", "1", "-t", "secret", "-u", user,
                 "-P", password, *more], capture_output=True, timeout=PATIENCE_S, check=False)

        self.assertEqual(subscribe("ada", "one", "-E").returncode, 0)
        run(MARTLET, "pub", "-p", str(broker.port), "-q", "1", "-t", "secret", "-m", "hers", "-u", "ada", "-P", "one")
        stolen = subscribe("bob", "two", "-W", "3")
        self.assertEqual(stolen.stdout, b"")
        self.assertIn(b"not authorised", stolen.stderr)
        self.assertEqual(subscribe("ada", "one", "-C", "1").stdout, b"hers\n")
        self.assertIn("mqtt.session_bound_to_user", broker.log())

    def test_tokens_and_then_users(self):
        self.passwd("-c", "-b", self.users, "ada", "one")
        key = self.folder / "key"
        key.write_bytes(SECRET)
        broker = self.start(f'[[authentication]]\nkind = "jwt"\nsecret_file = "{key}"\n'
                            f'[[authentication]]\nkind = "file"\npath = "{self.users}"\n')
        self.assertEqual(self.connack(broker, "ada", "one"), 0)
        self.assertEqual(self.connack(broker, "bob", token({"sub": "bob", "exp": time.time() + 1000})), 0)
        self.assertEqual(self.connack(broker, "ada", token({"sub": "bob"})), 0x86)
        self.assertEqual(self.connack(broker, "bob", token({"sub": "bob", "exp": time.time() - 1000})), 0x86)
        self.assertEqual(self.connack(broker, "bob", token({"sub": "bob"}, b"x" * 32)), 0x86)

    def scram(self, broker, user, password):
        """An exchange of enhanced authentication; the reason that ends it."""
        method = b"\x15" + text("SCRAM-SHA-256")
        bare = f"n={user},r=fyko+d2lbbFgONRv9qkxdawL".encode()
        properties = method + b"\x16" + text(b"n,," + bare)
        body = struct.pack("!H4sBBHB", 4, b"MQTT", 5, 2, 0, len(properties)) + properties + text("who")
        with RawClient(broker.port) as client:
            client.send(packet(0x10, body))
            header, answer = client.read_packet()
            self.assertEqual((header, answer[0]), (0xF0, 0x18), answer)
            first = answer[answer.index(b"r=fyko"):]
            nonce, salt, iterations = [field[2:] for field in first.split(b",")]
            salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
            client_key = hmac.new(salted, b"Client Key", "sha256").digest()
            without = b"c=biws,r=" + nonce
            whole = bare + b"," + first + b"," + without
            mask = hmac.new(hashlib.sha256(client_key).digest(), whole, "sha256").digest()
            proof = bytes(a ^ b for a, b in zip(client_key, mask))
            data = without + b",p=" + base64.b64encode(proof)
            properties = method + b"\x16" + text(data)
            client.send(packet(0xF0, bytes([0x18, len(properties)]) + properties))
            header, answer = client.read_packet()
            self.assertEqual(header, 0x20)
            if answer[1] == 0:
                server_key = hmac.new(salted, b"Server Key", "sha256").digest()
                signature = base64.b64encode(hmac.new(server_key, whole, "sha256").digest())
                self.assertIn(b"v=" + signature, answer)
            return answer[1]

    def test_scram(self):
        self.passwd("-c", "-b", "--scram", self.users, "ada", "one")
        broker = self.start(f'[[authentication]]\nkind = "file"\npath = "{self.users}"\n')
        self.assertEqual(self.scram(broker, "ada", "one"), 0)
        self.assertEqual(self.scram(broker, "ada", "two"), 0x87)
        self.assertEqual(self.scram(broker, "bob", "one"), 0x87)
        self.assertEqual(self.connack(broker, "ada", "one"), 0)
