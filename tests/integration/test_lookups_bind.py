"""The providers that hand a client's password on, against slapd and Python's HTTP server; otherwise as in
test_lookups.py."""

import base64
import os
import ssl
import tempfile
import unittest

from certificates import Authority
from lookups import Lookup, Restarts, Silence, Trap, error_of
from services import HttpService, Slapd
from support import wait_until

ALONE = True  # tests/integration/run: stops real services and waits for them


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

    def test_a_user_has_one_name(self):
        # Each of these binds as ann.
        lookup = self.lookup(*self.GROUPS)
        for name in ("ANN", "Ann", " ann", "ann ", "\uff41nn"):
            answer = lookup.ask(name, "secret")
            self.assertEqual((answer["opinion"], answer.get("username")), ("allow", "ann"), name)
            self.assertEqual(sorted(answer["groups"]), ["night shift", "sensors"], name)
        self.assertNotIn("username", lookup.ask("ann", "secret"))

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

    def test_tls_with_localhost(self):
        # libldap would look for this machine's own name in the certificate.
        answer = self.lookup("--ca-file", self.authority.ca, url=self.service.tls_url("localhost")).ask("ann", "secret")
        self.assertEqual(answer["opinion"], "failed")
        self.assertIn("name the server in url by another", answer["reason"])

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
