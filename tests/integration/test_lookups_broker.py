"""Users and rights that services know, through a broker: PostgreSQL, Redis, slapd and HTTP, one by one and in a chain. The
providers alone, with what only they can be asked, are in test_lookups.py and test_lookups_bind.py."""

import base64
import json
import pathlib
import subprocess
import tempfile
import threading
import time
import unittest

from certificates import Authority, openssl
from lookups_broker import ALLOWED, NOT_AUTHORIZED, UNAVAILABLE, WRONG, Case, Knows, table
from services import HttpService, Postgresql, Redis, Slapd
from support import MARTLET, connack, packet, run, wait_until

ALONE = True  # tests/integration/run: stops real services and waits for them


def hash_of(password, folder):
    """As docs/authentication.md says: a file of users is made for it."""
    path = pathlib.Path(folder) / "hash"
    run(MARTLET, "passwd", "-c", "-b", str(path), "x", password)
    return path.read_text().strip().split(":", 1)[1]


class ByProcess(Knows):
    """The service is a process, `service`, of the class."""

    def stop(self):
        self.service.kill()

    def begin(self):
        self.service.start()

    def hang(self):
        self.service.freeze()

    def go_on(self):
        self.service.thaw()


class PostgresqlUsers(ByProcess, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="martlet-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.service = Postgresql(cls, *cls.authority.issue("server"))
        cls.service.sql("CREATE TABLE mqtt_users (username text PRIMARY KEY, password_hash text NOT NULL, is_superuser boolean,"
                        " groups text[])")
        cls.hash = hash_of("secret", folder.name)
        cls.service.sql(f"INSERT INTO mqtt_users VALUES ('ann', '{cls.hash}', false, ARRAY['sensors']), ('root', '{cls.hash}',"
                        " true, NULL)")

    def table(self, **options):
        return table("postgresql", url=self.service.url(), password_file=self.service.password_file, ca_file=self.authority.ca,
                     query="SELECT password_hash, is_superuser, groups FROM mqtt_users WHERE username = $1", **options)

    def set_password(self, user, password):
        self.service.sql(f"UPDATE mqtt_users SET password_hash = '{hash_of(password, self.folder_of_test())}'"
                         f" WHERE username = '{user}'")

    def test_a_role_that_can_read_the_table_alone(self):
        """As docs/authentication.md has it."""
        self.service.sql("CREATE ROLE martlet LOGIN PASSWORD 'the broker''s own'")
        self.addCleanup(self.service.sql, "DROP OWNED BY martlet; DROP ROLE martlet")
        self.service.sql("GRANT SELECT ON mqtt_users TO martlet")
        secret = self.write("password", "the broker's own\n")
        broker = self.start(authentication=[table("postgresql", url=self.service.url(user="martlet"), password_file=secret)])
        self.assertEqual(connack(broker.port, "ann", "secret"), ALLOWED)
        self.assertEqual(connack(broker.port, "ann", "wrong"), WRONG)

    def test_a_slow_query_holds_nobody_else(self):
        slow = table("postgresql", url=self.service.url(), password_file=self.service.password_file, timeout="10s",
                     query="SELECT password_hash FROM mqtt_users, pg_sleep(3 * (username = 'root')::int) WHERE username = $1")
        broker = self.start(authentication=[slow])
        served = [self.connected(broker, "ann", "secret", f"served-{i}") for i in range(4)]
        waits = self.asks(broker, "root", "secret")
        self.pings(served)
        self.assertEqual(connack(broker.port, "ann", "secret"), ALLOWED)
        self.assertFalse(waits.readable())
        self.assertEqual(self.answer(waits), ALLOWED)


class RedisUsers(ByProcess, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Redis(cls)
        with tempfile.TemporaryDirectory(prefix="martlet-test-") as folder:
            cls.hash = hash_of("secret", folder)
        cls.fill()

    @classmethod
    def fill(cls):
        cls.service.command("HSET", "mqtt:user:ann", "password_hash", cls.hash, "groups", "sensors, night")
        cls.service.command("HSET", "mqtt:user:root", "password_hash", cls.hash, "is_superuser", "1")

    def begin(self):
        super().begin()
        self.fill()

    def table(self, **options):
        return table("redis", url=self.service.url(), password_file=self.service.password_file, **options)

    def set_password(self, user, password):
        self.service.command("HSET", f"mqtt:user:{user}", "password_hash", hash_of(password, self.folder_of_test()))

    def test_a_user_that_can_read_these_keys_alone(self):
        """As docs/authentication.md has it."""
        self.service.command("ACL", "SETUSER", "martlet", "on", ">the-brokers-own", "~mqtt:user:*", "+hgetall")
        secret = self.write("password", "the-brokers-own\n")
        url = f"redis://martlet@127.0.0.1:{self.service.port}"
        broker = self.start(authentication=[table("redis", url=url, password_file=secret, key="mqtt:user:%u")])
        self.assertEqual(connack(broker.port, "ann", "secret"), ALLOWED, broker.log()[-1000:])
        self.assertEqual(connack(broker.port, "ann", "wrong"), WRONG)


class LdapUsers(ByProcess, unittest.TestCase):
    HAS_SUPERUSERS = False
    PEOPLE, GROUPS = "ou=people,dc=example,dc=org", "ou=groups,dc=example,dc=org"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="martlet-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.service = Slapd(cls, *cls.authority.issue("server"))
        for uid in ("ann", "root"):
            cls.service.add(f"dn: uid={uid},{cls.PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: x\nsn: x\n"
                            "userPassword: secret\n")
        cls.service.add(f"dn: cn=sensors,{cls.GROUPS}\nobjectClass: groupOfNames\ncn: sensors\nmember: uid=ann,{cls.PEOPLE}\n")

    def table(self, **options):
        return table("ldap", url=self.service.tls_url(), ca_file=self.authority.ca,
                     bind_dn=f"uid=%u,{self.PEOPLE}", group_base=self.GROUPS, **options)

    def set_password(self, user, password):
        self.service.add(f"dn: uid={user},{self.PEOPLE}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n")


class ByHttp:
    """A service of the test's own; `users` has passwords and answers by name, `rights` what (action, topic) are allowed."""

    def setUp(self):
        self.users_there = {"ann": ("secret", {"groups": ["sensors"]}), "root": ("secret", {"is_superuser": True})}
        self.rights = set()
        self.questions = []
        self.hanging = threading.Event()
        self.hanging.set()
        self.service = HttpService(self, answer=self.reply)
        self.addCleanup(self.hanging.set)

    def reply(self, question):
        self.hanging.wait()
        self.questions.append(question)
        if "action" in question:
            allowed = (question["action"], question["topic"]) in self.rights
            return 200, {"result": "allow" if allowed else "deny"}
        password, grants = self.users_there.get(question.get("username"), (None, {}))
        if password is None:
            return 200, {"result": "ignore"}
        return 200, {"result": "allow" if question.get("password") == password else "deny", **grants}

    def url(self):
        return f"http://127.0.0.1:{self.service.port}/"

    def stop(self):
        self.service.kill()

    def begin(self):
        self.service = HttpService(self, port=self.service.port, answer=self.reply)

    def hang(self):
        self.hanging.clear()

    def go_on(self):
        self.hanging.set()


class HttpUsers(ByHttp, Knows, unittest.TestCase):
    def table(self, **options):
        return table("http", url=self.url(), **options)

    def set_password(self, user, password):
        self.users_there[user] = (password, self.users_there[user][1])

    def test_what_the_service_is_told_and_tells(self):
        self.users_there["tag-7"] = ("secret", {"username": "warehouse", "acl": {"pub": ["stock/${username}/${clientid}"]}})
        broker = self.start(authentication=[self.table()], authorization=[table("jwt"), self.rules()])
        client = self.connected(broker, "tag-7", "secret", "c7")
        self.assertIn(self.published(client, "stock/warehouse/c7"), (0, 0x10))
        self.assertEqual(self.published(client, "stock/tag-7/c7"), NOT_AUTHORIZED)
        self.assertEqual(
            self.questions[0],
            {"client_id": "c7", "username": "tag-7", "password": "secret", "address": "127.0.0.1",
             "listener": self.questions[0]["listener"], "tls": False},
        )

    def test_an_allowance_ends(self):
        self.users_there["ann"] = ("secret", {"expire_at": int(time.time()) + 2})
        broker = self.start(authentication=[self.table()])
        client = self.connected(broker, "ann", "secret")
        self.assertEqual(client.read_packet()[1][0], NOT_AUTHORIZED)
        self.assertEqual(connack(broker.port, "ann", "secret"), WRONG)


class HttpRights(ByHttp, Case, unittest.TestCase):
    """A service decides what clients may do."""

    def start_with(self, **options):
        return self.start(authentication=[self.users(("ann", "secret"))],
                          authorization=[table("http", url=self.url(), **options)])

    def test_publish_subscribe_and_will(self):
        self.rights = {("publish", "up"), ("subscribe", "down/#")}
        broker = self.start_with()
        ann = self.connected(broker, "ann", "secret", "ann's")
        self.assertIn(self.published(ann, "up"), (0, 0x10))
        self.assertEqual(self.published(ann, "other"), NOT_AUTHORIZED)
        self.assertEqual(self.subscribed(ann, "down/#"), 0)
        self.assertEqual(self.subscribed(ann, "#"), NOT_AUTHORIZED)

        def will(topic):
            return run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-V", "5", "-u", "ann", "-P", "secret", "-q",
                       "1", "-t", "up", "-m", "x", "--will-topic", topic, expect=None).returncode

        self.assertEqual(will("up"), 0)
        self.assertNotEqual(will("other"), 0)

    def test_the_service_stops_and_comes_back(self):
        self.rights = {("publish", "up"), ("publish", "more")}
        broker = self.start_with()
        ann = self.connected(broker, "ann", "secret", "ann's")
        self.assertIn(self.published(ann, "up"), (0, 0x10))
        self.stop()
        self.assertIn(self.published(ann, "up"), (0, 0x10), "that is remembered")
        self.assertEqual(self.published(ann, "more"), NOT_AUTHORIZED)
        self.pings([ann])
        self.begin()
        wait_until(lambda: self.published(ann, "more") in (0, 0x10), "the service to be asked again")

    def test_the_service_hangs_and_only_who_asks_waits(self):
        self.rights = {("publish", "up"), ("subscribe", "down")}
        broker = self.start_with(timeout="15s", cache="never")
        served = [self.connected(broker, "ann", "secret", f"served-{i}") for i in range(4)]
        waits = self.connected(broker, "ann", "secret", "waits")
        self.hang()
        waits.send(packet(0x32, b"\0\2up\0\1\0x"))
        self.pings(served)
        self.assertFalse(waits.readable())
        # A reload exchanges the source; the question goes on.
        self.config(authentication=[self.users()], authorization=[self.rules('[[rule]]\neffect = "allow"\nall = "#"\n')])
        self.reload()
        self.assertIn(self.published(served[0], "anything"), (0, 0x10))
        self.go_on()
        self.assertEqual(waits.read_packet()[0], 0x40)
        self.pings(served + [waits])


class Tokens(ByHttp, Case, unittest.TestCase):
    """Tokens whose keys come from a URL."""

    def key(self, kid):
        """Makes a key of 2048 bits and publishes it."""
        folder = self.folder_of_test()
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", f"{kid}.key", folder=folder)
        modulus = openssl("rsa", "-in", f"{kid}.key", "-noout", "-modulus", folder=folder).strip().split("=")[1]
        return {"kty": "RSA", "kid": kid, "use": "sig", "n": self.encoded(bytes.fromhex(modulus)), "e": "AQAB"}

    @staticmethod
    def encoded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def token(self, kid, **claims):
        claims = {"sub": "ann", "exp": time.time() + 600, **claims}
        signed = ".".join(self.encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": kid}, claims))
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.folder_of_test() / f"{kid}.key")],
                              input=signed.encode(), capture_output=True, check=True)
        return f"{signed}.{self.encoded(done.stdout)}"

    def publish_keys(self, *keys):
        self.service.documents["/keys"] = {"keys": list(keys)}

    def table(self, **options):
        return table("jwt", jwks=self.url() + "keys", **options)

    def test_a_key_that_is_new(self):
        first, second = self.key("first"), self.key("second")
        self.publish_keys(first)
        broker = self.start(authentication=[self.table()])
        self.assertEqual(connack(broker.port, "ann", self.token("first")), ALLOWED)
        self.assertEqual(connack(broker.port, "bob", self.token("first")), WRONG)
        self.assertEqual(connack(broker.port, "ann", self.token("second")), WRONG)
        held = self.connected(broker, "ann", self.token("first"), "held")
        self.publish_keys(second)
        self.becomes(ALLOWED, lambda: connack(broker.port, "ann", self.token("second")))
        self.assertEqual(connack(broker.port, "ann", self.token("first")), WRONG, "a key that was withdrawn")
        self.stop()
        self.assertEqual(connack(broker.port, "ann", self.token("second")), ALLOWED, "the keys are known")
        self.pings([held])

    def test_no_keys_yet(self):
        key = self.key("only")
        self.publish_keys(key)
        self.stop()
        broker = self.start(authentication=[self.table(), self.users(("bob", "other"))])
        self.assertEqual(connack(broker.port, "ann", self.token("only")), UNAVAILABLE)
        self.assertEqual(connack(broker.port, "bob", "other"), ALLOWED, "no token, so the next is asked")
        self.begin()
        self.publish_keys(key)
        self.becomes(ALLOWED, lambda: connack(broker.port, "ann", self.token("only")))

    def test_keys_that_take_long(self):
        self.publish_keys(self.key("only"))
        broker = self.start(authentication=[self.table(timeout="15s"), self.users(("bob", "other"))])
        served = [self.connected(broker, "bob", "other", f"served-{i}") for i in range(4)]
        self.service.hold.clear()
        try:
            waits = self.asks(broker, "ann", self.token("only"))
            self.pings(served)
            self.assertFalse(waits.readable())
        finally:
            self.service.hold.set()
        self.assertEqual(self.answer(waits), ALLOWED)

    def test_groups_rules_and_end(self):
        self.publish_keys(self.key("k"))
        broker = self.start(authentication=[self.table()], authorization=[table("jwt"), self.rules()])
        by_group = self.connected(broker, "ann", self.token("k", groups=["sensors"]), "by group")
        self.assertIn(self.published(by_group, "up/ann/t"), (0, 0x10))
        self.assertEqual(self.published(by_group, "up/bob/t"), NOT_AUTHORIZED)
        by_rules = self.connected(broker, None, self.token("k", acl={"pub": ["only/%u"]}, groups=["sensors"]), "by rules")
        self.assertIn(self.published(by_rules, "only/ann"), (0, 0x10))
        self.assertEqual(self.published(by_rules, "up/ann/t"), NOT_AUTHORIZED)
        ends = self.connected(broker, "ann", self.token("k", exp=time.time() + 2), "ends")
        self.assertEqual(ends.read_packet()[1][0], NOT_AUTHORIZED)


class Chain(ByHttp, Case, unittest.TestCase):
    """Several providers, each with a user of its own; all know `ann`, with different passwords."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="martlet-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.postgresql = Postgresql(cls, *Authority(folder.name).issue("server"))
        cls.postgresql.sql("CREATE TABLE mqtt_users (username text PRIMARY KEY, password_hash text)")
        for user, password in (("ann", "at-postgresql"), ("pg", "p")):
            cls.postgresql.sql(f"INSERT INTO mqtt_users VALUES ('{user}', '{hash_of(password, folder.name)}')")
        cls.redis = Redis(cls)
        for user, password in (("ann", "at-redis"), ("red", "r")):
            cls.redis.command("HSET", f"mqtt:user:{user}", "password_hash", hash_of(password, folder.name))

    def tables(self):
        self.users_there = {"ann": ("at-http", {}), "web": ("h", {})}
        return {
            "file": self.users(("local", "l")),
            "postgresql": table("postgresql", url=self.postgresql.url(), password_file=self.postgresql.password_file),
            "redis": table("redis", url=self.redis.url(), password_file=self.redis.password_file),
            "http": table("http", url=self.url()),
        }

    def test_the_first_that_knows_a_client_decides(self):
        tables = self.tables()
        everybody = [("local", "l"), ("pg", "p"), ("red", "r"), ("web", "h")]
        for order in (("file", "postgresql", "redis", "http"), ("http", "redis", "postgresql", "file")):
            broker = self.start(authentication=[tables[name] for name in order])
            for user, password in everybody:
                self.assertEqual(connack(broker.port, user, password), ALLOWED, (order, user))
                self.assertEqual(connack(broker.port, user, "wrong"), WRONG, (order, user))
            self.assertEqual(connack(broker.port, "nobody", "x"), WRONG)
            first = next(name for name in order if name != "file")
            for name in ("postgresql", "redis", "http"):
                self.assertEqual(connack(broker.port, "ann", f"at-{name}"), ALLOWED if name == first else WRONG, (order, name))
            broker.stop()

    def test_one_that_cannot_be_asked_ends_the_chain(self):
        tables = self.tables()
        broker = self.start(authentication=[tables[name] for name in ("file", "redis", "http")])
        self.redis.kill()
        try:
            self.assertEqual(connack(broker.port, "local", "l"), ALLOWED, "was found before")
            self.assertEqual(connack(broker.port, "web", "h"), UNAVAILABLE)
            self.assertEqual(self.questions, [], "nobody behind it was asked")
        finally:
            self.redis.start()
            self.redis.command("HSET", "mqtt:user:red", "password_hash", hash_of("r", self.folder_of_test()))
            self.redis.command("HSET", "mqtt:user:ann", "password_hash", hash_of("at-redis", self.folder_of_test()))
        self.becomes(ALLOWED, lambda: connack(broker.port, "web", "h"))

    def test_a_listener_asks_whom_it_names(self):
        tables = self.tables()
        door = '[[listener]]\naddress = "127.0.0.1:0"\nauthentication = [{}]\n'
        broker = self.start(authentication=tables.values(), listeners=door.format("'redis', 'file'") + door.format("'http'"))
        ways = [(user, [connack(port, user, password) for port in broker.ports])
                for user, password in (("red", "r"), ("local", "l"), ("web", "h"), ("pg", "p"))]
        self.assertEqual(ways, [("red", [0, WRONG]), ("local", [0, WRONG]), ("web", [WRONG, 0]), ("pg", [WRONG, WRONG])])


if __name__ == "__main__":
    unittest.main()
