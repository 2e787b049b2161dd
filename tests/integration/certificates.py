"""Certificates for tests, made by the openssl program."""

import pathlib
import subprocess


def openssl(*arguments, folder):
    done = subprocess.run(["openssl", *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")
    return done.stdout


class Authority:
    """A certificate authority in a folder: ca.pem, and NAME.pem with NAME.key for each certificate that it issued."""

    def __init__(self, folder, name="Test CA"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.serial = 0
        self._key("ca")
        openssl("req", "-x509", "-new", "-key", "ca.key", "-sha256", "-days", "30", "-subj", f"/CN={name}", "-out", "ca.pem",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                folder=self.folder)
        (self.folder / "index.txt").touch()
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=30\n"
            "certificate=ca.pem\nprivate_key=ca.key\n"
        )
        (self.folder / "crlnumber").write_text("01\n")

    def path(self, name):
        return str(self.folder / name)

    @property
    def ca(self):
        return self.path("ca.pem")

    def _key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key", folder=self.folder)

    def issue(self, name, subject=None, names=("DNS:localhost", "IP:127.0.0.1"), days=30):
        """Returns the paths of certificate and key."""
        self.serial += 1
        self._key(name)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", subject or f"/CN={name}", "-out", f"{name}.csr", folder=self.folder)
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={','.join(names)}\n" if names else "basicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", str(self.serial + 1000),
                "-days", str(days), "-sha256", "-extfile", extensions.name, "-out", f"{name}.pem", folder=self.folder)
        return self.path(f"{name}.pem"), self.path(f"{name}.key")

    def crl(self, *revoked):
        """Writes crl.pem, with these certificates revoked besides those of before; returns its path."""
        for name in revoked:
            openssl("ca", "-config", "ca.cnf", "-revoke", f"{name}.pem", folder=self.folder)
        openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem", folder=self.folder)
        return self.path("crl.pem")
