"""A broker process for a test, and small helpers around it."""

import concurrent.futures
import os
import pathlib
import random
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
MARTLET = os.environ["MARTLET"]
# Tests look for words in the log of brokers whose standard error is no terminal.
os.environ.setdefault("MARTLET_LOG_FORMAT", "text")
PATIENCE_S = 20  # how long anything may take before a test gives up; no test measures time with it


class Broker:
    """`martlet broker` on a free loopback port, without data unless the arguments have --data. Use as a context manager:
    stopped, and its exit code checked, at the end. `listen` None: where the configuration says; `ports` has the ports of
    all listeners in their order."""

    def __init__(self, *arguments, listen="127.0.0.1:0", expect_exit=0, environment=None):
        self.expect_exit = expect_exit
        self.log_file = tempfile.NamedTemporaryFile("w+b", prefix="martlet-test-", suffix=".log")
        command = [MARTLET, "broker", *(["--listen", listen] if listen else []), "--set", "log.level=debug", *arguments]
        if "--data" not in arguments:
            command += ["--data", "none"]
        self.process = subprocess.Popen(
            command,
            stdout=self.log_file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )
        self.port = self._wait_for_port()

    def _wait_for_port(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            line = re.search(r" listens on ([^()]*)\(", self.log())
            found = re.findall(r"(?:127\.0\.0\.1|\[::1\]):(\d+)", line.group(1)) if line else []
            self.ports = [int(port) for port in found]
            if line:
                return self.ports[0] if self.ports else None
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the broker did not say where it listens:\n{self.log()}")

    def log(self):
        with open(self.log_file.name, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def wait_for_log(self, pattern):
        wait_until(lambda: re.search(pattern, self.log()), f"log line {pattern!r}", lambda: self.log()[-2000:])

    def kill(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the broker did not stop on signal {number}:\n{self.log()[-2000:]}")

    def rss_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        code = self.stop()
        if kind is None and code != self.expect_exit:
            raise AssertionError(f"the broker ended with {code}:\n{self.log()[-4000:]}")


def wait_until(condition, what, explain=lambda: ""):
    """Waits for `condition`; only a broken broker lets it run into its bound."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}\n{explain()}")


def free_port():
    """A port of loopback for a program that cannot choose one itself. None of those that the kernel gives to who connects:
    a connection of another test could have it before the program does."""
    kernels = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(kernels - 10_000, kernels) if kernels > 20_000 else 0
        try:
            with socket.create_server(("127.0.0.1", port)) as probe:
                return probe.getsockname()[1]
        except OSError:
            pass


def run(*command, stdin=b"", expect=0):
    """Runs a command to its end; returns what it printed. `expect` None: any exit code."""
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S * 2)
    if expect is not None and done.returncode != expect:
        raise AssertionError(
            f"{' '.join(map(str, command))} ended with {done.returncode}, not {expect}\n{done.stdout!r}\n{done.stderr!r}"
        )
    return done


class Subscriber:
    """A subscriber process that ends by itself after -C messages; it is subscribed when the constructor returns."""

    def __init__(self, broker, program, *arguments):
        before = self._subscriptions(broker)
        self.process = subprocess.Popen(
            [*program, "-h", "127.0.0.1", "-p", str(broker.port), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        # A debug line of the client would differ for each; the broker's count of connections is the same for all.
        wait_until(lambda: self._subscriptions(broker) > before or self.process.poll() is not None, "the subscriber")

    @staticmethod
    def _subscriptions(broker):
        return len(re.findall(r"subscribes to", broker.log()))

    def output(self):
        out, error = self.process.communicate(timeout=PATIENCE_S)
        if self.process.returncode != 0:
            raise AssertionError(f"the subscriber ended with {self.process.returncode}: {error!r}")
        return out


class RawClient:
    """A socket that speaks just enough MQTT to be rude."""

    def __init__(self, port, timeout=PATIENCE_S):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)

    def send(self, data):
        self.socket.sendall(data)

    def connect(self, client_id="raw", version=5, keep_alive=0, clean=True, properties=b""):
        body = struct.pack("!H4sBBH", 4, b"MQTT", version, 2 if clean else 0, keep_alive)
        if version == 5:
            body += bytes([len(properties)]) + properties
        body += text(client_id)
        self.send(packet(0x10, body))
        header, body = self.read_packet()
        assert header == 0x20 and body[1] == 0, (header, body)
        return body

    def read_exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError(f"closed after {data!r}")
            data += piece
        return data

    def read_packet(self):
        header = self.read_exactly(1)[0]
        length, shift = 0, 0
        while True:
            byte = self.read_exactly(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return header, self.read_exactly(length)

    def readable(self, within_s=0):
        return bool(select.select([self.socket], [], [], within_s)[0])

    def closed(self):
        """True once the broker has closed; whatever it sent before is returned by rest()."""
        self.rest()
        return True

    def rest(self):
        data = b""
        try:
            while True:
                piece = self.socket.recv(65536)
                if not piece:
                    return data
                data += piece
        except ConnectionError:
            return data

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(data)) + data


def packet(first_byte, body):
    length, encoded = len(body), b""
    while True:
        byte, length = length & 0x7F, length >> 7
        encoded += bytes([byte | (0x80 if length else 0)])
        if not length:
            return bytes([first_byte]) + encoded + body


def login(user=None, password=None, version=5, client_id="who"):
    """A CONNECT with what a user says of itself."""
    flags = 2 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = struct.pack("!H4sBBH", 4, b"MQTT", version, flags, 0) + (b"\0" if version == 5 else b"") + text(client_id)
    for field in (user, password):
        if field is not None:
            body += text(field)
    return packet(0x10, body)


def connack(port, *arguments, **named):
    """The reason in the CONNACK that login() is answered with."""
    with RawClient(port) as client:
        client.send(login(*arguments, **named))
        header, answer = client.read_packet()
        assert header == 0x20, (header, answer)
        return answer[1]


def publish(topic, payload=b"", qos=0, packet_id=1, version=5):
    body = text(topic) + (struct.pack("!H", packet_id) if qos else b"") + (b"\0" if version == 5 else b"") + payload
    return packet(0x30 | qos << 1, body)


def subscribe(topic, qos=0, packet_id=1, version=5):
    return packet(0x82, struct.pack("!H", packet_id) + (b"\0" if version == 5 else b"") + text(topic) + bytes([qos]))


class BrokerTest(unittest.TestCase):
    """A broker for the whole class; `ARGUMENTS` are its options."""

    ARGUMENTS = ()

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(*cls.ARGUMENTS)

    @classmethod
    def tearDownClass(cls):
        code = cls.broker.stop()
        assert code == 0, cls.broker.log()[-4000:]


def together(*functions):
    """Calls them at once, each in a thread; what each returned. One that fails fails the caller, once all have ended."""
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        calls = [pool.submit(function) for function in functions]
    return [call.result() for call in calls]


def in_thread(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread
