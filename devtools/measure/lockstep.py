"""A load that is the same each time: the server stands still while all clients write, and the next step begins when
every answer is there. So how many messages a read or a turn of the server finds does not depend on the machine.

MQTT 5.0, the scenarios p2p, fan-out and fan-in of `martlet bench`."""

import argparse
import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from measure.servers import HOST, Failure

ANSWER_S = 120
PREFIX = "bench/01234567"  # as long as the bench's own
PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 3, 4, 5, 6, 7
MOST_IN_FLIGHT = 20  # of one subscriber: below every receive maximum in use


@dataclass
class Shape:
    kind: str
    publishers: int
    subscribers: int
    qos: int
    payload: int
    alone: bool  # one message at a time, as at a slow pace; else publishers at once, a burst each

    @property
    def burst(self):
        if self.alone or self.kind == "fan-in":
            return 1
        return max(1, min(MOST_IN_FLIGHT, 65536 // self.payload))

    @property
    def at_once(self):
        """Publishers that send in one round."""
        return 1 if self.alone else min(self.publishers, MOST_IN_FLIGHT) if self.kind == "fan-in" else self.publishers

    def receivers(self, publisher):
        return [publisher] if self.kind == "p2p" else range(self.subscribers)


def shape_of(words):
    """The Shape that these words mean to `martlet bench`; a Failure if it is none of these scenarios."""
    defaults = {"p2p": (500, 500, 64), "fan-out": (1, 1000, 64), "fan-in": (1000, 5, 64), "large": (10, 10, 65536)}
    if words[0] not in defaults:
        raise Failure(f"--count knows the scenarios {', '.join(defaults)}, not {words[0]}")
    parser = argparse.ArgumentParser(prog="./dev profile --count", allow_abbrev=False)
    for name, default in zip(("publishers", "subscribers", "payload"), defaults[words[0]]):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--qos", type=int, default=0, choices=(0, 1, 2))
    parser.add_argument("--rate", type=float, default=0)
    options = parser.parse_args(words[1:])
    if min(options.publishers, options.subscribers, options.payload, options.pairs or 1) < 1:
        parser.error("counts and sizes are at least 1")
    kind = "p2p" if words[0] == "large" else words[0]
    if options.pairs:
        options.publishers = options.subscribers = options.pairs
    if kind == "p2p" and options.publishers != options.subscribers:
        parser.error("p2p needs as many publishers as subscribers; use --pairs")
    return Shape(kind, options.publishers, options.subscribers, options.qos, options.payload, options.rate > 0)


def varint(value):
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(first, body):
    return bytes([first]) + varint(len(body)) + body


def text(value):
    return len(value).to_bytes(2, "big") + value.encode()


def connect_packet(name):
    return packet(0x10, text("MQTT") + bytes([5, 2, 0, 0, 0]) + text(name))


def subscribe_packet(topic, qos):
    return packet(0x82, b"\0\1\0" + text(topic) + bytes([qos]))


def publish_packet(topic, qos, packet_id, payload):
    head = text(topic) + (packet_id.to_bytes(2, "big") if qos else b"") + b"\0"
    return packet(0x30 | qos << 1, head + payload)


def cut(buffer):
    """The whole packets at the start of `buffer`, as (first byte, body), which are taken out of it."""
    found, at = [], 0
    while True:
        size, shift, next_at = 0, 0, at + 1
        while True:
            if next_at >= len(buffer):
                del buffer[:at]
                return found
            byte = buffer[next_at]
            size |= (byte & 0x7F) << shift
            shift, next_at = shift + 7, next_at + 1
            if byte < 0x80:
                break
        if next_at + size > len(buffer):
            del buffer[:at]
            return found
        found.append((buffer[at], bytes(buffer[next_at:next_at + size])))
        at = next_at + size


class Client:
    def __init__(self, port, name):
        self.socket = socket.create_connection((HOST, port), timeout=ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.unsent, self.next_id = bytearray(), bytearray(), 0
        self.unsent += connect_packet(name)
        self.flush()
        self.read(1)

    def flush(self):
        if self.unsent:
            self.socket.sendall(self.unsent)
            self.unsent.clear()

    def read(self, count):
        """Reads exactly `count` packets and prepares the answers that the protocol asks for."""
        found = cut(self.buffer)
        while len(found) < count:
            try:
                some = self.socket.recv(1 << 18)
            except TimeoutError:
                raise Failure(f"the server did not answer within {ANSWER_S} s") from None
            if not some:
                raise Failure("the server ended a connection")
            self.buffer += some
            found += cut(self.buffer)
        if len(found) != count:
            raise Failure(f"the server sent {len(found)} packets where {count} were due")
        for first, body in found:
            self._answer(first, body)

    def _answer(self, first, body):
        kind, qos = first >> 4, first >> 1 & 3
        if kind == PUBLISH and qos:
            at = 2 + int.from_bytes(body[:2], "big")
            self.unsent += packet((PUBACK if qos == 1 else PUBREC) << 4, body[at:at + 2])
        elif kind == PUBREC:
            self.unsent += packet(PUBREL << 4 | 2, body[:2])
        elif kind == PUBREL:
            self.unsent += packet(PUBCOMP << 4, body[:2])

    def publish(self, topic, qos, payload):
        self.next_id = self.next_id % 65535 + 1
        self.unsent += publish_packet(topic, qos, self.next_id, payload)


class Load:
    """Connected and subscribed clients of a server with process id `pid`."""

    def __init__(self, shape, port, pid):
        self.shape, self.pid, self.turn = shape, pid, 0
        self.subscribers = [Client(port, f"s{i}") for i in range(shape.subscribers)]
        self.publishers = [Client(port, f"p{i}") for i in range(shape.publishers)]
        self.payload = b"m" * shape.payload
        self.control = Client(port, "control")
        self.deliveries = 0
        for i, subscriber in enumerate(self.subscribers):
            topic = {"p2p": self.topic(i), "fan-out": self.topic(0), "fan-in": f"{PREFIX}/#"}[shape.kind]
            subscriber.unsent += subscribe_packet(topic, shape.qos)
            subscriber.flush()
            subscriber.read(1)

    def topic(self, publisher):
        return f"{PREFIX}/{publisher if self.shape.kind != 'fan-out' else 0}"

    def round(self):
        """A burst of the next publishers, and all that follows from it."""
        shape = self.shape
        sending = [(self.turn + i) % shape.publishers for i in range(shape.at_once)]
        self.turn += shape.at_once
        due = [0] * shape.subscribers
        for i in sending:
            for _ in range(shape.burst):
                self.publishers[i].publish(self.topic(i), shape.qos, self.payload)
            for receiver in shape.receivers(i):
                due[receiver] += shape.burst
        self.deliveries += sum(due)
        self._step(sending, due)
        if shape.qos == 2:  # releases, both ways
            self._step(sending, due)

    def _step(self, sending, due):
        writing = [client for client in (*self.publishers, *self.subscribers) if client.unsent]
        if len(writing) == 1:
            writing[0].flush()
        else:  # standing still costs the server a turn without events: its wait is interrupted
            os.kill(self.pid, signal.SIGSTOP)
            try:
                self._await_stop()
                for client in writing:
                    client.flush()
            finally:
                os.kill(self.pid, signal.SIGCONT)
        if self.shape.qos:
            for i in sending:
                self.publishers[i].read(self.shape.burst)
        for i, count in enumerate(due):
            if count:
                self.subscribers[i].read(count)
        if not self.shape.alone:
            self._await_acknowledgements()

    def _await_acknowledgements(self):
        """Until the server has read what has no answer, such as PUBACK: it takes connections in turn, so between two
        answers to one of them it has come by all others."""
        for _ in range(2):
            self.control.unsent += b"\xc0\0"
            self.control.flush()
            self.control.read(1)

    def _await_stop(self):
        deadline = time.monotonic() + ANSWER_S
        while (state := Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]) not in ("T", "t"):
            if state == "Z" or time.monotonic() > deadline:
                raise Failure("the server has ended" if state == "Z" else "the server does not stand still")
            time.sleep(0.0002)

    def run(self, rounds):
        for _ in range(rounds):
            self.round()

    def close(self):
        for client in (*self.publishers, *self.subscribers, self.control):
            client.socket.close()


def rounds_for(shape, deliveries):
    """How many rounds deliver about so many messages."""
    each = shape.burst * shape.at_once * len(shape.receivers(0))
    return max(1, round(deliveries / each))
