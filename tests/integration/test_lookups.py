"""The providers that ask services who a client is, against the services themselves: right and wrong passwords, attempts
at injection, services that are gone, slow or silent, and come back."""

import contextlib
import http.server
import json
import os
import pathlib
import select
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from certificates import Authority
from services import Postgresql, Redis, Slapd
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
        connections = len(trap.connections)
        answer = lookup.ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertIn("is not asked for", answer["reason"])
        self.assertEqual(len(trap.connections), connections, "a service that does not answer is left alone")

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

    def refill(self):
        """For a service that forgets."""


class PostgresqlTest(Restarts, unittest.TestCase):
    NOBODY = "unknown"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="martlet-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.other_authority = Authority(f"{folder.name}/other", "Other CA")
        cls.service = Postgresql(cls, *cls.authority.issue("server"))
        cls.service.sql(
            "CREATE TABLE mqtt_users (username text PRIMARY KEY, password_hash text, is_superuser boolean, groups text[],"
            " teams text, client text)"
        )
        cls.service.sql(
            "INSERT INTO mqtt_users VALUES"
            " ('ann', 'plain:secret', false, ARRAY['sensors', 'night, shift', 'a\"b'], 'x, y', 'client'),"
            " ('root', 'plain:secret', true, NULL, NULL, NULL), ('empty', NULL, false, NULL, NULL, NULL)"
        )

    def lookup(self, *more, url=None):
        return Lookup(self, "--kind", "postgresql", "--url", url or self.service.url(), "--password-file",
                      self.service.password_file, *more)

    def test_knows_its_users(self):
        lookup = self.lookup()
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")
        self.assertEqual(lookup.opinion("ann", "wrong"), "refuse")
        self.assertEqual(lookup.opinion("ann", ""), "refuse")
        self.assertEqual(lookup.opinion("ann"), "refuse")
        self.assertEqual(lookup.opinion("empty", ""), "refuse")
        self.assertEqual(lookup.opinion("nobody", "secret"), "unknown")
        self.assertEqual(lookup.opinion(None, "secret"), "unknown")

    def test_columns(self):
        lookup = self.lookup("--query", "SELECT * FROM mqtt_users WHERE username = $1")
        answer = lookup.ask("ann", "secret")
        self.assertEqual(answer["groups"], ["sensors", "night, shift", 'a"b'])
        self.assertFalse(answer["superuser"])
        self.assertTrue(lookup.ask("root", "secret")["superuser"])
        lookup = self.lookup("--query", "SELECT password_hash, teams AS groups FROM mqtt_users WHERE username = $1")
        self.assertEqual(lookup.ask("ann", "secret")["groups"], ["x", "y"])

    def test_the_client_identifier_as_second_parameter(self):
        lookup = self.lookup("--query", "SELECT password_hash FROM mqtt_users WHERE username = $1 AND client = $2")
        self.assertEqual(lookup.opinion("ann", "secret", client_id="client"), "allow")
        self.assertEqual(lookup.opinion("ann", "secret", client_id="other"), "unknown")

    def test_names_are_never_a_part_of_the_query(self):
        lookup = self.lookup("--query", "SELECT password_hash FROM mqtt_users WHERE username = $1 OR client = $2")
        for name in ("' OR '1'='1", "ann'--", "x'; DROP TABLE mqtt_users; --", "$1", "\\", "ann\\'", "%", 'a"b', "\u2019 OR 1=1"):
            self.assertEqual(lookup.opinion(name, "secret", client_id=name), "unknown", name)
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")

    def test_queries_that_cannot_work(self):
        for query, reason in (
            ("SELECT password_hash FROM no_such_table WHERE username = $1", "no_such_table"),
            ("SELECT password_hash FROM mqtt_users WHERE username = $1 AND client = $2 AND teams = $3", "3 parameters"),
            ("SELECT username, teams FROM mqtt_users WHERE username = $1", "no column password_hash"),
            ("SELECT password_hash FROM mqtt_users WHERE username = $1 OR true", "more than one row"),
            ("SELECT password_hash, teams AS is_superuser FROM mqtt_users WHERE username = $1", "is_superuser"),
        ):
            answer = self.lookup("--query", query).ask("ann", "secret")
            self.assertEqual(answer["opinion"], "failed", query)
            self.assertIn(reason, answer["reason"])

    def test_a_value_that_the_server_cannot_take_keeps_nobody_else_out(self):
        lookup = self.lookup("--query", "SELECT password_hash FROM mqtt_users WHERE username = $1 AND $2::int > 0")
        self.assertEqual(lookup.opinion("ann", "secret", client_id="x"), "failed")
        self.assertEqual(lookup.opinion("ann", "secret", client_id="7"), "allow")

    def test_an_altered_table(self):
        self.service.sql("CREATE TABLE altered AS SELECT * FROM mqtt_users")
        self.addCleanup(self.service.sql, "DROP TABLE altered")
        lookup = self.lookup("--query", "SELECT * FROM altered WHERE username = $1", "--connections", 1)
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")
        self.service.sql("ALTER TABLE altered ADD COLUMN more text")
        lookup.opinion("ann", "secret")
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")

    def test_a_slow_query(self):
        lookup = self.lookup("--query", "SELECT password_hash FROM mqtt_users, pg_sleep(60) WHERE username = $1",
                             "--timeout-ms", 400)
        answer = lookup.ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertIn("no answer in time", answer["reason"])

    def test_a_wrong_password_of_the_broker(self):
        wrong = self.service.file("wrong", "wrong\n")
        answer = Lookup(self, "--kind", "postgresql", "--url", self.service.url(), "--password-file", wrong).ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertIn("password authentication failed", answer["reason"])

    def test_tls(self):
        ask = ("--query", "SELECT password_hash FROM mqtt_users, pg_stat_ssl WHERE username = $1 AND ssl AND pid = pg_backend_pid()")
        for host in ("127.0.0.1", "localhost"):
            url = self.service.url(host=host)
            answer = self.lookup("--ca-file", self.authority.ca, *ask, url=url).ask("ann", "secret")
            self.assertEqual(answer["opinion"], "allow", answer)
        answer = self.lookup("--ca-file", self.other_authority.ca, *ask).ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertIn("certificate", answer["reason"])
        url = self.service.url("?sslmode=disable")
        self.assertEqual(self.lookup(*ask, url=url).opinion("ann", "secret"), "unknown")

    def test_several_hosts(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            dead = taken.getsockname()[1]
        url = f"postgresql://broker@127.0.0.1:{dead},localhost:{self.service.port}/postgres"
        self.assertEqual(self.lookup(url=url).opinion("ann", "secret"), "allow")

    def test_a_unix_socket(self):
        url = f"postgresql://broker@/postgres?host={self.service.folder}&port={self.service.port}"
        self.assertEqual(self.lookup(url=url).opinion("ann", "secret"), "allow")

    def test_options(self):
        for arguments, reason in (
            (("--url", "mysql://h/d"), "url: must begin with postgresql://"),
            (("--url", "postgresql://u:geheim@h/d"), "url: holds a password"),
            (("--url", "postgresql://u@h/d?nonsense=geheim"), "url: "),
            (("--url", "postgresql://u@h/d", "--query", "SELECT 1"), "query: has no $1"),
            (("--url", "postgresql://u@h/d", "--ca-file", "/nowhere"), "ca_file: "),
            (("--url", "postgresql://u@h/d", "--password-file", "/nowhere"), "password_file: "),
        ):
            error = error_of("--kind", "postgresql", *arguments)
            self.assertTrue(error.startswith(reason), error)
            self.assertNotIn("geheim", error)


class PostgresqlSilence(Silence, unittest.TestCase):
    BEGINNING = b"R\0\0\xff\0"  # an authentication request that never ends

    def silent(self, port):
        return "--kind", "postgresql", "--url", f"postgresql://u@127.0.0.1:{port}/d?sslmode=disable"


class PostgresqlTlsSilence(Silence, unittest.TestCase):
    BEGINNING = b"S\x16\x03\x03\x3f\xff"  # TLS, and a handshake record that never ends

    def silent(self, port):
        return "--kind", "postgresql", "--url", f"postgresql://u@127.0.0.1:{port}/d?sslmode=require"


class RedisTest(Restarts, unittest.TestCase):
    NOBODY = "unknown"

    @classmethod
    def setUpClass(cls):
        cls.service = Redis(cls)
        cls.fill()

    @classmethod
    def fill(cls):
        cls.service.command("HSET", "mqtt:user:ann", "password_hash", "plain:secret", "groups", "sensors, night", "more", "x")
        cls.service.command("HSET", "mqtt:user:root", "password_hash", "plain:secret", "is_superuser", "1")
        cls.service.command("HSET", "mqtt:user:odd", "password_hash", "plain:secret", "is_superuser", "perhaps")
        cls.service.command("HSET", "mqtt:user:bare", "groups", "x")
        cls.service.command("SET", "mqtt:user:text", "plain:secret")
        cls.service.command("HSET", "u:ann:c", "password_hash", "plain:c", database=3)

    def refill(self):
        self.fill()

    def lookup(self, *more, url=None):
        return Lookup(self, "--kind", "redis", "--url", url or self.service.url(), "--password-file",
                      self.service.password_file, *more)

    def test_knows_its_users(self):
        lookup = self.lookup()
        answer = lookup.ask("ann", "secret")
        self.assertEqual((answer["opinion"], answer["groups"], answer["superuser"]), ("allow", ["sensors", "night"], False))
        self.assertTrue(lookup.ask("root", "secret")["superuser"])
        self.assertEqual(lookup.opinion("ann", "wrong"), "refuse")
        self.assertEqual(lookup.opinion("bare", ""), "refuse")
        self.assertEqual(lookup.opinion("nobody", "secret"), "unknown")
        self.assertEqual(lookup.opinion(None, "secret"), "unknown")
        self.assertEqual(lookup.opinion("odd", "secret"), "failed")

    def test_a_key_of_another_type_keeps_nobody_else_out(self):
        lookup = self.lookup()
        self.assertIn("WRONGTYPE", lookup.ask("text", "secret")["reason"])
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")

    def test_database_and_client_identifier(self):
        lookup = self.lookup("--key", "u:%u:%c", url=self.service.url("/3"))
        self.assertEqual(lookup.opinion("ann", "c", client_id="c"), "allow")
        self.assertEqual(lookup.opinion("ann", "c", client_id="d"), "unknown")

    def test_a_user_name_is_one_argument(self):
        lookup = self.lookup()
        for name in ("x\r\nFLUSHALL\r\n", "ann\r\n", "ann secret", "*1\r\n$8\r\nFLUSHALL\r\n", '"ann"', "%u", "a\n", "\\x00"):
            self.assertEqual(lookup.opinion(name, "secret"), "unknown", name)
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")

    def test_a_huge_reply(self):
        self.service.command("HSET", "mqtt:user:huge", "password_hash", "x" * 100_000)
        answer = self.lookup().ask("huge", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertIn("larger than 65536 bytes", answer["reason"])

    def test_a_wrong_password_of_the_broker(self):
        wrong = self.service.file("wrong", "wrong\n")
        answer = Lookup(self, "--kind", "redis", "--url", self.service.url(), "--password-file", wrong).ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertIn("WRONGPASS", answer["reason"])
        answer = Lookup(self, "--kind", "redis", "--url", self.service.url()).ask("ann", "secret")
        self.assertIn("NOAUTH", answer["reason"])

    def test_a_user_of_redis(self):
        self.service.command("ACL", "SETUSER", "broker", "on", ">" + self.service.PASSWORD, "~mqtt:user:*", "+hgetall")
        url = f"redis://broker@127.0.0.1:{self.service.port}"
        self.assertEqual(self.lookup(url=url).opinion("ann", "secret"), "allow")

    def test_options(self):
        for arguments, reason in (
            (("--url", "rediss://h"), "url: rediss:// is not supported"),
            (("--url", "http://h"), "url: must begin with redis://"),
            (("--url", "redis://:geheim@h"), "url: holds a password"),
            (("--url", "redis://h/x"), "url: the path"),
            (("--url", "redis://h", "--key", "users"), "key: "),
            (("--url", "redis://u@h"), "password_file: "),
        ):
            error = error_of("--kind", "redis", *arguments)
            self.assertTrue(error.startswith(reason), error)
            self.assertNotIn("geheim", error)


class RedisSilence(Silence, unittest.TestCase):
    BEGINNING = b"*2\r\n$60000\r\n"

    def silent(self, port):
        return "--kind", "redis", "--url", f"redis://127.0.0.1:{port}"


class LdapTest(Restarts, unittest.TestCase):
    NOBODY = "refuse"  # LDAP does not tell a wrong name from a wrong password
    DN = "uid=%u,ou=people,dc=example,dc=org"
    ODD = 'a,b+c"d\\e<f>g;h=i#j '

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="martlet-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.other_authority = Authority(f"{folder.name}/other", "Other CA")
        cls.service = Slapd(cls, *cls.authority.issue("server"))
        people = "ou=people,dc=example,dc=org"
        odd = "a\\,b\\+c\\22d\\5ce\\<f\\>g\\;h\\=i\\#j\\20"
        for uid, value in (("ann", "ann"), ("bob", "bob"), ("star*(x)", "star*(x)"), (odd, cls.ODD)):
            cls.service.add(
                f"dn: uid={uid},{people}\nobjectClass: inetOrgPerson\nuid:: {cls.base64(value)}\ncn: x\nsn: x\n"
                "userPassword: secret\n"
            )
        for group, members in (("sensors", ("ann", "bob")), ("night shift", ("ann", "star*(x)")), ("odd", (odd,))):
            lines = "".join(f"member: uid={uid},{people}\n" for uid in members)
            cls.service.add(f"dn: cn={group},ou=groups,dc=example,dc=org\nobjectClass: groupOfNames\ncn: {group}\n{lines}")

    @staticmethod
    def base64(text):
        import base64

        return base64.b64encode(text.encode()).decode()

    def lookup(self, *more, url=None, dn=DN):
        return Lookup(self, "--kind", "ldap", "--url", url or self.service.url(), "--bind-dn", dn, *more)

    GROUPS = ("--group-base", "ou=groups,dc=example,dc=org")

    def test_knows_its_users(self):
        lookup = self.lookup()
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")
        self.assertEqual(lookup.opinion("ann", "wrong"), "refuse")
        self.assertEqual(lookup.opinion("nobody", "secret"), "refuse")
        self.assertEqual(lookup.opinion(None, "secret"), "unknown")
        self.assertEqual(lookup.opinion("", "secret"), "unknown")

    def test_an_empty_password_never_reaches_the_server(self):
        # To whom that would be nobody's bind, which succeeds.
        lookup = self.lookup()
        self.assertEqual(lookup.opinion("ann", ""), "refuse")
        self.assertEqual(lookup.opinion("ann"), "unknown")
        trap = Trap(self)
        lookup = self.lookup(url=f"ldap://127.0.0.1:{trap.port}")
        self.assertEqual(lookup.opinion("ann", ""), "refuse")
        self.assertEqual(trap.connections, [])

    def test_groups(self):
        lookup = self.lookup(*self.GROUPS)
        self.assertEqual(sorted(lookup.ask("ann", "secret")["groups"]), ["night shift", "sensors"])
        self.assertEqual(lookup.ask("bob", "secret")["groups"], ["sensors"])
        self.assertEqual(lookup.ask("star*(x)", "secret")["groups"], ["night shift"])
        self.assertEqual(lookup.ask(self.ODD, "secret")["groups"], ["odd"])
        answer = self.lookup("--group-base", "ou=none,dc=example,dc=org").ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed", "without its groups nobody gets in")
        self.assertIn("group_base", answer["reason"])

    def test_a_user_name_is_one_value(self):
        self.assertEqual(self.lookup().opinion(self.ODD, "secret"), "allow")
        # Unescaped, each of these would be ann's or bob's entry.
        lookup = self.lookup(*self.GROUPS)
        for name in ("ann,ou=people,dc=example,dc=org", "x+uid=ann", "ann,ou=people", "\\61nn", "#04036e6e61", "*", "ann)(cn=*",
                     "ann\0", '"ann"'):
            self.assertNotEqual(lookup.opinion(name, "secret"), "allow", name)
        lookup = self.lookup(dn="uid=%u")
        self.assertNotEqual(lookup.opinion("ann,ou=people,dc=example,dc=org", "secret"), "allow")

    def test_one_clients_bind_is_not_anothers(self):
        lookup = self.lookup("--connections", 1, *self.GROUPS)
        for _ in range(3):
            self.assertEqual(lookup.ask("ann", "secret")["opinion"], "allow")
            self.assertEqual(lookup.opinion("ann", "wrong"), "refuse")
            self.assertEqual(lookup.ask("bob", "secret")["groups"], ["sensors"])

    def test_tls(self):
        for url, more in ((self.service.tls_url(), ()), (self.service.url(), ("--starttls",))):
            lookup = self.lookup("--ca-file", self.authority.ca, *more, url=url)
            answer = lookup.ask("ann", "secret")
            self.assertEqual(answer["opinion"], "allow", answer)
            self.assertEqual(lookup.opinion("ann", "wrong"), "refuse", url)
            answer = self.lookup("--ca-file", self.other_authority.ca, *more, url=url).ask("ann", "secret")
            self.assertEqual(answer["opinion"], "failed", url)
            self.assertIn("TLS", answer["reason"])

    def test_tls_of_somebody_else(self):
        with tempfile.TemporaryDirectory(prefix="martlet-test-") as folder:
            authority = Authority(folder)
            service = Slapd(type(self), *authority.issue("other", names=("DNS:other.example",)))
            self.addCleanup(service.kill)
            for url, more in ((service.tls_url(), ()), (service.url(), ("--starttls",))):
                answer = self.lookup("--ca-file", authority.ca, *more, url=url).ask("ann", "secret")
                self.assertEqual(answer["opinion"], "failed")

    def test_options(self):
        for arguments, reason in (
            (("--url", "http://h"), "url: must begin with ldap://"),
            (("--url", "ldap://h/dc=example"), "url: has more than"),
            (("--url", "ldap://h"), "bind_dn: has no %u"),
            (("--url", "ldaps://h", "--starttls", "--bind-dn", self.DN), "starttls: "),
            (("--url", "ldap://h", "--ca-file", "/x", "--bind-dn", self.DN), "ca_file: "),
            (("--url", "ldap://h", "--password-file", "/x", "--bind-dn", self.DN), "password_file: "),
        ):
            error = error_of("--kind", "ldap", *arguments)
            self.assertTrue(error.startswith(reason), error)


class LdapSilence(Silence, unittest.TestCase):
    BEGINNING = b"\x30\x82\xff\x00"  # a message that never ends

    def silent(self, port):
        return "--kind", "ldap", "--url", f"ldap://127.0.0.1:{port}", "--bind-dn", LdapTest.DN


class LdapsSilence(Silence, unittest.TestCase):
    BEGINNING = b"\x16\x03\x03\x3f\xff"  # a handshake record that never ends

    def silent(self, port):
        return "--kind", "ldap", "--url", f"ldaps://127.0.0.1:{port}", "--bind-dn", LdapTest.DN


class HttpService:
    """Python's HTTP server; `answer(question)` gives status and body."""

    def __init__(self, test, port=0, answer=None, wrap=lambda socket: socket):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = (answer or HttpService.users)(question)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def setup(self):
                super().setup()
                service.connections.append(self.connection)

            def log_message(self, *_):
                pass

        self.connections = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.socket = wrap(self.server.socket)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        test.addCleanup(self.kill)

    @staticmethod
    def users(question):
        if question.get("username") != "ann":
            return 200, {"result": "ignore"}
        right = question.get("password") == "secret"
        return 200, {"result": "allow" if right else "deny", "groups": ["sensors"]}

    def kill(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.server = None


class HttpTest(unittest.TestCase):
    def test_knows_its_users_and_comes_back(self):
        service = HttpService(self)
        lookup = Lookup(self, "--kind", "http", "--url", f"http://localhost:{service.port}/")
        self.assertEqual(lookup.ask("ann", "secret")["groups"], ["sensors"])
        self.assertEqual(lookup.opinion("ann", "wrong"), "refuse")
        self.assertEqual(lookup.opinion("nobody", "secret"), "unknown")
        service.kill()
        self.assertEqual(lookup.opinion("ann", "secret"), "failed")
        HttpService(self, port=service.port)
        wait_until(lambda: lookup.opinion("ann", "secret") == "allow", "the service to be found again")

    def test_https(self):
        import ssl

        with tempfile.TemporaryDirectory(prefix="martlet-test-") as folder:
            authority, other = Authority(folder), Authority(f"{folder}/other", "Other CA")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.issue("server", names=("DNS:localhost",)))
            service = HttpService(self, wrap=lambda plain: context.wrap_socket(plain, server_side=True))
            for host, ca, expected in (("localhost", authority.ca, "allow"), ("localhost", other.ca, "failed"),
                                       ("localhost", None, "failed"), ("127.0.0.1", authority.ca, "failed")):
                more = ("--ca-file", ca) if ca else ()
                lookup = Lookup(self, "--kind", "http", "--url", f"https://{host}:{service.port}/", *more)
                self.assertEqual(lookup.opinion("ann", "secret"), expected, (host, ca))

    def test_no_proxy_of_the_environment(self):
        trap = Trap(self)
        service = HttpService(self)
        os.environ["http_proxy"] = os.environ["ALL_PROXY"] = f"http://127.0.0.1:{trap.port}"
        try:
            lookup = Lookup(self, "--kind", "http", "--url", f"http://127.0.0.1:{service.port}/")
        finally:
            del os.environ["http_proxy"], os.environ["ALL_PROXY"]
        self.assertEqual(lookup.opinion("ann", "secret"), "allow")
        self.assertEqual(trap.connections, [])


class HttpSilence(Silence, unittest.TestCase):
    BEGINNING = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"

    def silent(self, port):
        return "--kind", "http", "--url", f"http://127.0.0.1:{port}/"


class HttpsSilence(Silence, unittest.TestCase):
    BEGINNING = b"\x16\x03\x03\x3f\xff"

    def silent(self, port):
        return "--kind", "http", "--url", f"https://127.0.0.1:{port}/"


if __name__ == "__main__":
    unittest.main()
