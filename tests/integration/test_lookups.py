"""The providers that look users up in databases, against PostgreSQL and Redis themselves: right and wrong passwords,
attempts at injection, services that are gone, slow or silent, and come back."""

import socket
import tempfile
import unittest

from certificates import Authority
from lookups import Lookup, Restarts, Silence, error_of
from services import Postgresql, Redis

ALONE = True  # tests/integration/run: stops real services and waits for them


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
