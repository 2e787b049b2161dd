"""The servers under load and the generator: started on a core of their own, ended by their process id."""

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MARTLET = "build/release/martlet"
FLOOR = "build/bench/bench/floor"
HOST = "127.0.0.1"
START_S = 10
STOP_S = 10

MOSQUITTO_CONFIGURATION = """\
listener PORT 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
set_tcp_nodelay true
"""


class Failure(Exception):
    """What a person has to know; ends the command with exit code 1."""


def complain(name, text, status=1):
    print(f"{name}: {text}", file=sys.stderr)
    return status


def find_mosquitto():
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def raise_descriptor_limit():
    """The limit that all processes started from here have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def command_words(server, port="PORT", extra=()):
    """How `server` is started, by program name alone."""
    if server == "mosquitto":
        return ["mosquitto", "-c", "FILE"]
    if server == "floor":
        return ["floor", str(port)]
    threads = "2" if server == "martlet-2" else "1"
    return ["martlet", "broker", "--data", "none", "--listen", f"{HOST}:{port}", "--set", f"server.threads={threads}",
            *extra]


def pinned(cores, words):
    return ["taskset", "-c", ",".join(map(str, cores)), *words]


class Server:
    """A running server; as a context manager it is ended at the end of the block."""

    def __init__(self, server, cores, extra=(), under=(), start_s=START_S, stop_s=STOP_S):
        """`under`: words before the program, such as a profiler's."""
        self.name, self.port, self.stop_s, self.said = server, free_port(), stop_s, ""
        self.folder = tempfile.TemporaryDirectory(prefix="martlet-compare-")
        os.chmod(self.folder.name, 0o755)  # mosquitto gives up being root
        self.log = Path(self.folder.name) / "log"
        words = command_words(server, self.port, extra)
        paths = {"martlet": MARTLET, "floor": FLOOR, "mosquitto": find_mosquitto()}
        words[0] = str(paths[words[0]])
        if server == "mosquitto":
            words[-1] = str(Path(self.folder.name) / "mosquitto.conf")
            Path(words[-1]).write_text(MOSQUITTO_CONFIGURATION.replace("PORT", str(self.port)))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(pinned(cores, [*under, *words]), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        try:
            self._wait(start_s)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self.process.pid  # taskset becomes the program

    def _wait(self, start_s):
        deadline = time.monotonic() + start_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended at its start with {self.process.returncode}: {self.last_lines()}")
            try:
                socket.create_connection((HOST, self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failure(f"{self.name} does not listen after {start_s} s: {self.last_lines()}")

    def last_lines(self):
        return " ".join(self.log.read_text(errors="replace").split("\n")[-4:]).strip() or "it said nothing"

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.stop_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.said = self.last_lines()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
