"""Many clients on one thread: each speaks enough MQTT to take part in every exchange, and keeps its session's state when
its connection goes."""

import errno
import selectors
import socket
import struct
import time

from support import packet, text

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(8, 15)
NEVER_EXPIRES = 0xFFFFFFFF


def varint(value):
    encoded = b""
    while True:
        value, byte = value >> 7, value & 0x7F
        if not value:
            return encoded + bytes([byte])
        encoded += bytes([byte | 0x80])


def properties(version, content=b""):
    return varint(len(content)) + content if version == 5 else b""


def connect_packet(client_id, version=5, clean=True, expiry_s=0, will=None, keep_alive_s=0, receive_maximum=None):
    """`will`: topic, payload, QoS, retain, delay in seconds."""
    flags = 2 if clean else 0
    if will:
        flags |= 4 | will[2] << 3 | (32 if will[3] else 0)
    content = b"\x11" + struct.pack("!I", expiry_s) if expiry_s else b""
    if receive_maximum:
        content += b"\x21" + struct.pack("!H", receive_maximum)
    name = b"MQIsdp" if version == 3 else b"MQTT"
    body = text(name) + struct.pack("!BBH", version, flags, keep_alive_s) + properties(version, content) + text(client_id)
    if will:
        delay = b"\x18" + struct.pack("!I", will[4]) if will[4] else b""
        body += properties(version, delay) + text(will[0]) + text(will[1])
    return packet(0x10, body)


class Crew:
    """The selector of many peers; one thread."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.received_packets = 0
        self.left_behind = []

    def turn(self, timeout_s=0.0):
        for key, events in self.selector.select(timeout_s):
            key.data.ready(events)

    def run_until(self, condition, patience_s, what, explain=lambda: ""):
        deadline = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}: {explain()}")
            self.turn(0.05)

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.data.drop()
        for abandoned in self.left_behind:
            abandoned.close()
        self.selector.close()


class Peer:
    """One client. Its session's state (packet identifiers, half-done QoS 2) outlives its connections."""

    def __init__(self, crew, port, client_id):
        self.crew, self.port, self.client_id = crew, port, client_id
        self.version = 5
        self.socket, self.up, self.out = None, False, bytearray()
        self.forget()

    def forget(self):
        """The session's state."""
        self.last_id, self.sending, self.releasing, self.receiving = 0, {}, set(), set()

    # Connections

    def open(self, first_bytes, version=5):
        self.drop()
        self.version, self.up, self.present, self.unanswered_pings = version, False, False, 0
        self.incoming = bytearray()
        self.out = bytearray(first_bytes)
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.socket.connect_ex(("127.0.0.1", self.port)) not in (0, errno.EINPROGRESS):
            raise AssertionError("cannot connect")
        self.events = selectors.EVENT_READ | selectors.EVENT_WRITE
        self.crew.selector.register(self.socket, self.events, self)

    def connect(self, version=5, clean=True, expiry_s=0, **more):
        if clean:
            self.forget()
        self.open(connect_packet(self.client_id, version, clean, expiry_s, **more), version)

    def drop(self, reset=False):
        """Closes without a word."""
        if self.socket is None:
            return
        self.crew.selector.unregister(self.socket)
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        self.socket, self.up = None, False
        self.out.clear()

    def leave_behind(self):
        """Forgets the connection but lets it be: the next one takes its session over."""
        self.crew.selector.unregister(self.socket)
        self.crew.left_behind.append(self.socket)
        self.socket, self.up = None, False
        self.out.clear()

    def flush(self):
        if self.socket is None:
            return
        try:
            del self.out[: self.socket.send(self.out)]
        except BlockingIOError:
            pass
        except OSError:
            self.lost()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0)
        if wanted != self.events:
            self.events = wanted
            self.crew.selector.modify(self.socket, wanted, self)

    def lost(self):
        self.drop()
        self.on_lost()

    def ready(self, events):
        if events & selectors.EVENT_READ:
            try:
                piece = self.socket.recv(262144)
            except BlockingIOError:
                piece = None
            except OSError:
                piece = b""
            if piece == b"":
                self.lost()
                return
            if piece:
                self.incoming += piece
                self.take_packets()
        if self.out:
            self.flush()

    def take_packets(self):
        at, data = 0, self.incoming
        while self.socket is not None and len(data) - at >= 2:
            length, shift, body = 0, 0, at + 1
            while body < len(data):
                byte = data[body]
                length |= (byte & 0x7F) << shift
                shift, body = shift + 7, body + 1
                if byte < 0x80:
                    break
            else:
                break
            if len(data) < body + length:
                break
            self.crew.received_packets += 1
            self.take(data[at], bytes(data[body : body + length]))
            at = body + length
        del data[:at]

    # Packets

    def take(self, header, body):
        kind = header >> 4
        if kind == PUBLISH:
            self.take_publish(header, body)
        elif kind in (PUBACK, PUBCOMP):
            packet_id = struct.unpack_from("!H", body)[0]
            self.releasing.discard(packet_id)
            if self.sending.pop(packet_id, None) is not None:
                self.on_acknowledged(packet_id)
        elif kind == PUBREC:
            packet_id = struct.unpack_from("!H", body)[0]
            if len(body) > 2 and body[2] >= 0x80:
                self.sending.pop(packet_id, None)
            else:
                self.releasing.add(packet_id)
                self.reply(packet(0x62, body[:2]))
        elif kind == PUBREL:
            self.receiving.discard(struct.unpack_from("!H", body)[0])
            self.reply(packet(0x70, body[:2]))
        elif kind == CONNACK:
            self.take_connack(body)
        elif kind == PINGRESP:
            self.unanswered_pings -= 1
        elif kind in (SUBACK, UNSUBACK):
            self.on_suback(kind, body)
        elif kind == DISCONNECT:
            self.on_disconnect(body[0] if body else 0)
        else:
            raise AssertionError(f"{self.client_id}: a packet {header:#x}")

    def take_publish(self, header, body):
        qos = header >> 1 & 3
        at = 2 + struct.unpack_from("!H", body)[0]
        topic = body[2:at]
        packet_id = 0
        if qos:
            packet_id = struct.unpack_from("!H", body, at)[0]
            at += 2
        if self.version == 5:
            length, shift = 0, 0
            while True:
                byte = body[at]
                length |= (byte & 0x7F) << shift
                shift, at = shift + 7, at + 1
                if byte < 0x80:
                    break
            at += length
        if qos < 2 or packet_id not in self.receiving:
            self.on_message(topic, body[at:], qos, header & 1)
        if qos == 2:
            self.receiving.add(packet_id)
        if qos:
            self.reply(packet(0x40 if qos == 1 else 0x50, struct.pack("!H", packet_id)))

    def take_connack(self, body):
        self.present, code = bool(body[0] & 1), body[1]
        if code:
            self.on_refused(code)
            return
        if not self.present:
            self.forget()
        self.up = True
        # What is half done goes on, in its old order.
        for packet_id, message in self.sending.items():
            if packet_id in self.releasing:
                self.out += packet(0x62, struct.pack("!H", packet_id))
            else:
                self.out += bytes([message[0] | 8]) + message[1:]
        self.on_up()

    def next_id(self):
        while True:
            self.last_id = self.last_id % 65535 + 1
            if self.last_id not in self.sending:
                return self.last_id

    def publish(self, topic, payload, qos=0, retain=False):
        packet_id = self.next_id() if qos else 0
        body = text(topic) + (struct.pack("!H", packet_id) if qos else b"") + properties(self.version) + payload
        message = packet(0x30 | qos << 1 | int(retain), body)
        if qos:
            self.sending[packet_id] = message
        if self.up:
            self.out += message
        return packet_id

    def subscribe(self, *filters):
        """Each filter with its options byte."""
        body = struct.pack("!H", self.next_id()) + properties(self.version)
        self.out += packet(0x82, body + b"".join(text(name) + bytes([options]) for name, options in filters))

    def unsubscribe(self, *filters):
        body = struct.pack("!H", self.next_id()) + properties(self.version)
        self.out += packet(0xA2, body + b"".join(map(text, filters)))

    def ping(self):
        self.unanswered_pings += 1
        self.out += packet(0xC0, b"")

    def disconnect(self, with_will=False):
        self.out += packet(0xE0, b"\x04" if with_will and self.version == 5 else b"")

    def reply(self, data):
        self.out += data

    # What a test may want to know

    def on_up(self):
        pass

    def on_lost(self):
        pass

    def on_refused(self, code):
        raise AssertionError(f"{self.client_id}: refused with {code:#x}")

    def on_disconnect(self, reason):
        pass

    def on_message(self, topic, payload, qos, retain):
        pass

    def on_acknowledged(self, packet_id):
        pass

    def on_suback(self, kind, body):
        for code in body[2:] if self.version != 5 else body[3:]:
            if code >= 0x80:
                raise AssertionError(f"{self.client_id}: not subscribed: {code:#x}")
