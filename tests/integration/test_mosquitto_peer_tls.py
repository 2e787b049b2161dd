"""As test_mosquitto_peer.py, of what is encrypted."""

import pathlib
import re
import socket
import ssl
import unittest

from certificates import Authority
from mosquitto_peer import Client, PeerCase, covers
from support import PATIENCE_S, run, text

PSK = "00112233445566778899aabbccddeeff"


class MosquittoPeerTls(PeerCase):
    @covers("cafile", "certfile", "keyfile", "require_certificate", "use_identity_as_username")
    def test_tls_and_identities(self):
        acl = self.folder / "tls-acl"
        acl.write_text("user sensor-1\ntopic readwrite own/#\n")
        acl.chmod(0o644)

        def script(ports):
            client = self.over_tls(ports[0], self.device)
            seen = [client.connack(client_id=b"dev"), client.subscribe(b"own/1")]
            client.publish(b"own/1", b"mine", qos=1)
            seen.append(sorted(client.messages()))
            client.publish(b"other", b"not mine", qos=1)
            seen.append(client.messages())
            bare = self.over_tls(ports[0])
            return seen + [bare.connack() if bare else "closed"]
        for identity in ("use_identity_as_username true\n",):
            self.both(f"listener PORT1 127.0.0.1\ncafile {self.authority.ca}\ncertfile {self.server[0]}\nkeyfile {self.server[1]}\n"
                      f"require_certificate true\n{identity}acl_file {acl}\nallow_anonymous false\n", script)

    @covers("psk_file", "psk_hint", "use_identity_as_username")
    def test_pre_shared_keys(self):
        keys = self.folder / "psk"
        keys.write_text(f"meter:{PSK}\n")
        keys.chmod(0o644)

        def script(ports):
            return [run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(ports[0]), "--psk", key, "--psk-identity", name, "-t", "t", "-m", "x",
                        "-q", "1", expect=None).returncode == 0
                    for key, name in ((PSK, "meter"), ("ff" * 16, "meter"), (PSK, "thief"))]
        self.both(f"listener PORT1 127.0.0.1\npsk_file {keys}\npsk_hint hint\nuse_identity_as_username true\nallow_anonymous false\n", script)


    def over_tls(self, port, certificate=None, **options):
        """A client with a certificate (path and key), or None if the broker does not take it."""
        context = ssl.create_default_context(cafile=self.authority.ca)
        for name, value in options.items():
            context.set_ciphers(value) if name == "ciphers" else setattr(context, name, value)
        if certificate:
            context.load_cert_chain(*certificate)
        try:
            client = Client(context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE_S), server_hostname="localhost"),
                            self.here.clients)
            self.here.clients.append(client)
            return client
        except OSError:
            return None

    def let_in(self, *arguments, **options):
        client = self.over_tls(*arguments, **options)
        return client.connack() if client else "closed"

    def tls(self, options):
        return (f"listener PORT1 127.0.0.1\ncertfile {self.server[0]}\nkeyfile {self.server[1]}\nallow_anonymous true\n{options}")

    @covers("certfile", "keyfile", "tls_version", "ciphers", "ciphers_tls1.3", "dhparamfile", "tls_keyform")
    def test_what_tls_is_spoken(self):
        run("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", str(self.folder / "dh.pem"))
        (self.folder / "dh.pem").chmod(0o644)

        def script(ports):
            seen = []
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                client = self.over_tls(ports[0], minimum_version=version, maximum_version=version)
                seen.append((client.transport.cipher(), client.connack()) if client else "closed")
            seen.append(self.let_in(ports[0], maximum_version=ssl.TLSVersion.TLSv1_2, ciphers="AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"))
            return seen
        for options in ("tls_version tlsv1.3\n", "tls_version tlsv1.2\n", "ciphers ECDHE-ECDSA-AES256-GCM-SHA384\ndhparamfile FOLDER/dh.pem\n",
                        "ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256\ntls_keyform pem\n"):
            # Mosquitto's tlsv1.2 is that version alone; a newer one is no worse.
            self.both(self.tls(options), script if "tlsv1.2" not in options else lambda ports: script(ports)[:1])

    @covers("cafile", "capath", "crlfile", "require_certificate")
    def test_clients_with_certificates(self):
        stolen = self.authority.issue("stolen", names=())
        stranger = Authority(self.folder / "other-ca", "Other CA").issue("stranger", names=())
        crl = self.authority.crl("stolen")
        directory = self.folder / "ca.d"
        directory.mkdir()
        (directory / "ca.pem").write_bytes(pathlib.Path(self.authority.ca).read_bytes())
        run("openssl", "rehash", str(directory))
        for path in [*self.folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)

        def script(ports):
            return [self.let_in(ports[0], certificate) for certificate in (self.device, stolen, stranger, None)]
        for options in (f"cafile {self.authority.ca}\n", f"cafile {self.authority.ca}\nrequire_certificate true\n",
                        f"cafile {self.authority.ca}\nrequire_certificate true\ncrlfile {crl}\n",
                        "capath FOLDER/ca.d\nrequire_certificate true\n", f"cafile {self.authority.ca}\nrequire_certificate false\ncrlfile {crl}\n"):
            self.both(self.tls(options), script)

    @covers("use_identity_as_username", "use_subject_as_username", "acl_file")
    def test_names_in_certificates(self):
        self.file("names-acl", "user sensor-1\ntopic cn/#\nuser CN=sensor-1,O=Fleet\ntopic subject/#\nuser ada\ntopic ada/#\n")

        def script(ports):
            client = self.over_tls(ports[0], self.device)
            seen = [client.connack(user=b"ada", password=b"pw"), client.subscribe(b"#")]
            for topic in (b"cn/1", b"subject/1", b"ada/1"):
                client.publish(topic, b"x", qos=1)
                seen.append((topic, sorted(client.messages())))
            return seen
        for options in ("use_identity_as_username true\n", "use_subject_as_username true\n", ""):
            seen = self.both(self.tls(f"cafile {self.authority.ca}\nrequire_certificate true\nacl_file FOLDER/names-acl\n"
                                      f"password_file FOLDER/users\n{options}"), script)
            self.assertEqual(sum(len(messages) == 2 for _, messages in seen[2:]), 1, "each is one of the three")

    @covers("psk_hint", "psk_file")
    def test_hint_of_pre_shared_keys(self):
        self.file("hint-psk", f"meter:{PSK}\n")

        def script(ports):
            shown = run("openssl", "s_client", "-connect", f"127.0.0.1:{ports[0]}", "-tls1_2", "-psk", PSK, "-psk_identity", "meter",
                        stdin=b"", expect=None).stdout.decode()
            return re.findall(r"PSK identity.*", shown)
        self.both("listener PORT1 127.0.0.1\npsk_file FOLDER/hint-psk\npsk_hint a hint\nallow_anonymous true\n", script)


if __name__ == "__main__":
    unittest.main()
