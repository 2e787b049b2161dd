"""TLS with clients from other hands: openssl s_client, mosquitto_pub and mosquitto_sub."""

import pathlib
import subprocess
import tempfile
import unittest

from certificates import Authority
from support import PATIENCE_S, Broker, BrokerTest, packet, run, text

PSK = "0123456789abcdef0123456789abcdef"


def listener(**options):
    """A [[listener]] table on a free port of loopback."""
    lines = ["[[listener]]", 'address = "127.0.0.1:0"']
    for name, value in options.items():
        written = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
        lines.append(f"{name.replace('__', '.')} = {written}")
    return "\n".join(lines) + "\n"


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="martlet-tls-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.authority = Authority(pathlib.Path(cls.folder.name) / "ca")
        cls.server = cls.authority.issue("server")
        cls.client = cls.authority.issue("client", subject="/O=Fleet/CN=sensor-1", names=())

    def start(self, *tables):
        path = pathlib.Path(self.folder.name) / f"{self.id().rsplit('.', 1)[1]}.toml"
        path.write_text("\n".join(tables))
        broker = Broker("--config", str(path), listen=None)
        self.addCleanup(broker.stop)
        return broker

    def s_client(self, port, *arguments, stdin=b"Q\n"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments], input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S)
        return done.stdout.decode("utf-8", "replace")

    def publish(self, port, *arguments, expect=0):
        return run("mosquitto_pub", "-h", "localhost", "-p", str(port), "-t", "t", "-m", "hello", "-q", "1", *arguments,
                   expect=expect)

    def test_both_versions_and_alpn(self):
        broker = self.start(listener(tls__certificate=self.server[0], tls__key=self.server[1]))
        for version in ("tls1_2", "tls1_3"):
            shown = self.s_client(broker.port, f"-{version}", "-CAfile", self.authority.ca, "-alpn", "mqtt", "-verify_return_error")
            self.assertIn("Verify return code: 0 (ok)", shown)
            self.assertIn("ALPN protocol: mqtt", shown)
        shown = self.s_client(broker.port, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        self.assertIn("alert protocol version", shown)
        self.publish(broker.port, "--cafile", self.authority.ca)

    def test_a_message_over_tls(self):
        broker = self.start(listener(tls__certificate=self.server[0], tls__key=self.server[1]), listener())
        subscriber = subprocess.Popen(
            ["mosquitto_sub", "-h", "localhost", "-p", str(broker.ports[0]), "--cafile", self.authority.ca, "-t", "#",
             "-C", "1", "-q", "2", "-V", "5"], stdout=subprocess.PIPE)
        broker.wait_for_log("subscribes to")
        big = "x" * 200_000
        run("mosquitto_pub", "-h", "localhost", "-p", str(broker.ports[1]), "-t", "t", "-q", "1", "-s", stdin=big.encode())
        self.assertEqual(subscriber.communicate(timeout=PATIENCE_S)[0].strip(), big.encode())

    def test_client_certificates_name_users_and_can_be_revoked(self):
        revoked = self.authority.issue("revoked", names=())
        crl = self.authority.crl("revoked")
        broker = self.start(listener(tls__certificate=self.server[0], tls__key=self.server[1], tls__client_ca=self.authority.ca,
                                     tls__crl=crl, tls__require_certificate=True, identity="common_name"))
        self.publish(broker.port, "--cafile", self.authority.ca, "--cert", self.client[0], "--key", self.client[1])
        broker.wait_for_log('as "sensor-1"')
        self.publish(broker.port, "--cafile", self.authority.ca, expect=None)
        self.assertNotEqual(self.publish(broker.port, "--cafile", self.authority.ca, expect=None).returncode, 0)
        done = self.publish(broker.port, "--cafile", self.authority.ca, "--cert", revoked[0], "--key", revoked[1], expect=None)
        self.assertNotEqual(done.returncode, 0)
        broker.wait_for_log("revoked")

    def test_pre_shared_keys(self):
        keys = pathlib.Path(self.folder.name) / "psk"
        keys.write_text(f"# devices\nmeter-7:{PSK}\n")
        broker = self.start(listener(tls__psk_file=str(keys), identity="common_name"))
        self.publish(broker.port, "--psk", PSK, "--psk-identity", "meter-7")
        broker.wait_for_log('as "meter-7"')
        self.assertNotEqual(self.publish(broker.port, "--psk", "00" * 16, "--psk-identity", "meter-7", expect=None).returncode, 0)
        self.assertNotEqual(self.publish(broker.port, "--psk", PSK, "--psk-identity", "meter-8", expect=None).returncode, 0)
        for version in ("tls1_2", "tls1_3"):
            shown = self.s_client(broker.port, f"-{version}", "-psk_identity", "meter-7", "-psk", PSK)
            self.assertIn("PSK" if version == "tls1_2" else "TLSv1.3", shown)
            self.assertNotIn("handshake failure", shown)


    def test_a_claimed_psk_identity_without_its_key_is_nobody(self):
        """Beside a certificate: the handshake may go on with that, and then the identity was only said, not proved."""
        keys = pathlib.Path(self.folder.name) / "psk-beside"
        keys.write_text(f"admin:{PSK}\n")
        broker = self.start(listener(tls__certificate=self.server[0], tls__key=self.server[1], tls__psk_file=str(keys),
                                     identity="common_name"))
        connect = packet(0x10, text(b"MQTT") + b"\x04\x02\x00\x00" + text(b"claims"))

        def answer_to(key, version, *more):
            client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{broker.port}", f"-{version}", "-quiet",
                                       "-psk_identity", "admin", "-psk", key, *more],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.addCleanup(client.wait)
            self.addCleanup(client.kill)
            self.addCleanup(client.stdout.close)
            client.stdin.write(connect)
            client.stdin.flush()
            answer = client.stdout.read(4)
            client.stdin.close()
            return answer

        only_psk = ("-cipher", "PSK")
        for version, more in (("tls1_2", only_psk), ("tls1_2", ()), ("tls1_3", ())):
            with self.subTest(version=version, more=more):
                if more or version == "tls1_3":  # else 1.2 settles on the certificate, and no identity is said
                    self.assertEqual(answer_to(PSK, version, *more), b"\x20\x02\x00\x00")
                self.assertIn(answer_to("00" * 16, version, *more), (b"", b"\x20\x02\x00\x04", b"\x20\x02\x00\x05"))

    def test_names_choose_certificates(self):
        other = self.authority.issue("other", subject="/CN=other.example", names=("DNS:other.example", "DNS:*.wild.example"))
        both = pathlib.Path(self.folder.name) / "both.pem"
        both.write_text(pathlib.Path(other[0]).read_text() + pathlib.Path(other[1]).read_text())
        broker = self.start(listener(tls__certificate=self.server[0], tls__key=self.server[1], tls__more_certificates=[str(both)]))
        for name, subject in (("other.example", "other.example"), ("a.wild.example", "other.example"), ("localhost", "server"),
                              ("unknown.example", "server")):
            self.assertIn(f"subject=CN = {subject}", self.s_client(broker.port, "-servername", name))

    def test_sessions_resume_and_renegotiation_is_refused(self):
        broker = self.start(listener(tls__certificate=self.server[0], tls__key=self.server[1]))
        session = str(pathlib.Path(self.folder.name) / "session")
        self.s_client(broker.port, "-tls1_2", "-sess_out", session)
        self.assertIn("Reused, TLSv1.2", self.s_client(broker.port, "-tls1_2", "-sess_in", session))
        shown = self.s_client(broker.port, "-tls1_2", stdin=b"R\n")
        self.assertIn("RENEGOTIATING", shown)
        self.assertIn("no renegotiation", shown)
        self.publish(broker.port, "--cafile", self.authority.ca)

    def test_rubbish_is_told_apart(self):
        broker = self.start(listener(tls__certificate=self.server[0], tls__key=self.server[1]))
        done = run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "t", "-m", "x", expect=None)
        self.assertNotEqual(done.returncode, 0)
        broker.wait_for_log("speaks no TLS")


if __name__ == "__main__":
    unittest.main()
