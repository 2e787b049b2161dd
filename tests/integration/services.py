"""The services that know users, from Debian's packages: each a process of the test's own on loopback, in a directory
that goes with it. A missing package fails the test."""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from support import PATIENCE_S, free_port, run, wait_until


def program(name, package, folder=None):
    """The path of a program; an error that names Debian's package if it is not there."""
    found = shutil.which(name, path=folder) or shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise AssertionError(f"'{name}' is missing: install Debian's package {package} (./dev setup integration)")
    return found


class Service:
    """A process that can be killed and started again at the same port."""

    def __init__(self, test):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-test-"))
        test.addClassCleanup(shutil.rmtree, self.folder, True)
        test.addClassCleanup(self.kill)
        self.port = free_port()
        self.process = None
        self.log = self.folder / "service.log"

    def launch(self, *command, **options):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, **options,
            )
        wait_until(self.ready, f"{command[0]} at port {self.port}", lambda: self.log.read_text(errors="replace")[-3000:])

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended:\n{self.log.read_text(errors='replace')[-3000:]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self, number=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE_S)
            self.process = None

    def freeze(self):
        """It accepts, since the system does that for it, and never answers."""
        for pid in self.pids():
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: all(self.state(pid) == "T" for pid in self.pids()), "the service to stand still")

    def thaw(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGCONT)

    def pids(self):
        """Its own and its children's."""
        pid = self.process.pid
        return [pid, *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    @staticmethod
    def state(pid):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)


class Postgresql(Service):
    """The user `broker` with the password `broker's` in the database `postgres`, by SCRAM; TLS with `certificate` and
    `key`."""

    PASSWORD = "broker's"

    def __init__(self, test, certificate, key):
        super().__init__(test)
        folder = next(iter(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
        self.initdb, self.postgres, self.psql = (program(name, "postgresql", folder) for name in ("initdb", "postgres", "psql"))
        # It does not run as root, whose tests these may be.
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if self.is_root() else {}
        self.data = self.folder / "data"
        self.password_file = self.file("password", self.PASSWORD + "\n")
        for source, name in ((certificate, "server.pem"), (key, "server.key")):
            shutil.copy(source, self.folder / name)
        if self.user:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, "postgres", "postgres")
        (self.folder / "server.key").chmod(0o600)
        (self.folder / "password").chmod(0o644)
        self.folder.chmod(0o755)
        done = subprocess.run(
            [self.initdb, "-D", self.data, "-U", "broker", "-A", "scram-sha-256", "--pwfile", self.password_file, "-N",
             "--no-locale", "-E", "UTF8"],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, **self.user,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.start()

    @staticmethod
    def is_root():
        return pathlib.Path("/proc/self").stat().st_uid == 0

    def start(self):
        self.launch(
            self.postgres, "-D", self.data, "-p", self.port, "-c", "listen_addresses=127.0.0.1", "-c",
            f"unix_socket_directories={self.folder}", "-c", "fsync=off", "-c", "ssl=on", "-c",
            f"ssl_cert_file={self.folder}/server.pem", "-c", f"ssl_key_file={self.folder}/server.key", **self.user,
        )

    def ready(self):
        return super().ready() and self.sql("SELECT 1", expect=None).returncode == 0

    def kill(self, number=signal.SIGQUIT):
        # Its children go with it: SIGKILL would leave them, and its shared memory.
        super().kill(number)

    def url(self, more="", host="127.0.0.1", user="broker"):
        return f"postgresql://{user}@{host}:{self.port}/postgres{more}"

    def sql(self, text, expect=0):
        return run("env", f"PGPASSWORD={self.PASSWORD}", self.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(), "-c",
                   text, expect=expect)


class Redis(Service):
    """With a password, and nothing on disk."""

    PASSWORD = "broker's password"

    def __init__(self, test):
        super().__init__(test)
        self.server, self.client = program("redis-server", "redis-server"), program("redis-cli", "redis-server")
        self.password_file = self.file("password", self.PASSWORD + "\n")
        self.start()

    def start(self):
        self.launch(self.server, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                    "--requirepass", self.PASSWORD)

    def url(self, more=""):
        return f"redis://127.0.0.1:{self.port}{more}"

    def command(self, *words, database=0):
        out = run(self.client, "-p", str(self.port), "-a", self.PASSWORD, "--no-auth-warning", "-n", str(database), *words).stdout
        assert not out.startswith(b"ERR"), out
        return out


class Slapd(Service):
    """ou=people and ou=groups below dc=example,dc=org; ldap and ldaps with `certificate` and `key`."""

    CONFIG = """dn: cn=config
objectClass: olcGlobal
cn: config
olcTLSCertificateFile: {certificate}
olcTLSCertificateKeyFile: {key}

dn: cn=module,cn=config
objectClass: olcModuleList
cn: module
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif

dn: olcDatabase=mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: mdb
olcSuffix: dc=example,dc=org
olcDbDirectory: {data}
olcRootDN: cn=admin,dc=example,dc=org
olcRootPW: admin
olcAccess: to attrs=userPassword by anonymous auth by * none
olcAccess: to * by users read by * none
"""
    BASE = """dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups
"""

    def __init__(self, test, certificate, key):
        super().__init__(test)
        self.tls_port = free_port()
        self.slapd = program("slapd", "slapd")
        self.slapadd, self.ldapadd = program("slapadd", "slapd"), program("ldapadd", "ldap-utils")
        self.config, data = self.folder / "config", self.folder / "data"
        self.config.mkdir()
        data.mkdir()
        text = self.CONFIG.format(certificate=certificate, key=key, data=data)
        run(self.slapadd, "-n", "0", "-F", str(self.config), "-l", self.file("config.ldif", text))
        self.start()
        self.add(self.BASE)

    def start(self):
        self.launch(self.slapd, "-F", self.config, "-h", f"{self.url()} {self.tls_url()}", "-d", "0")

    def url(self, host="127.0.0.1"):
        return f"ldap://{host}:{self.port}"

    def tls_url(self, host="127.0.0.1"):
        return f"ldaps://{host}:{self.tls_port}"

    def add(self, ldif):
        run(self.ldapadd, "-x", "-H", self.url(), "-D", "cn=admin,dc=example,dc=org", "-w", "admin", stdin=ldif.encode())


class HttpService:
    """Python's HTTP server. `answer(question)` gives status and body for what is posted; what is read is in `documents`,
    by path, if `hold` is set."""

    def __init__(self, test, port=0, answer=None, wrap=lambda socket: socket):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.reply(*(answer or HttpService.users)(question))

            def do_GET(self):
                service.hold.wait()
                known = self.path in service.documents
                self.reply(200 if known else 404, service.documents.get(self.path))

            def reply(self, status, body):
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

        self.connections, self.documents = [], {}
        self.hold = threading.Event()
        self.hold.set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who asked may be gone when it is answered
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
