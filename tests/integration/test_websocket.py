"""MQTT over WebSocket with clients from other hands: MQTT.js, curl, a browser; and what no client should send."""

import base64
import http.server
import os
import pathlib
import queue
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from certificates import Authority
from peers import connect_packet
from support import PATIENCE_S, Broker, packet, run, text
from test_mqttjs import FOLDER, install
from test_tls import listener

PAGE = """<!doctype html><title>waiting</title><pre id="out"></pre><script>
const say = (text) => {{ document.getElementById("out").textContent += text + "\\n"; }};
const socket = new WebSocket("{url}", "mqtt");
socket.binaryType = "arraybuffer";
socket.onopen = () => {{
  say("open with " + socket.protocol);
  socket.send(new Uint8Array({connect}));
}};
socket.onmessage = (event) => {{ say("got " + Array.from(new Uint8Array(event.data))); socket.close(1000); }};
socket.onclose = (event) => {{
  say("closed " + event.code + " clean " + event.wasClean);
  fetch("/report", {{ method: "POST", body: document.getElementById("out").textContent }});
}};
socket.onerror = () => say("error");
</script>"""


class RawWebSocket:
    """A WebSocket client that may be rude."""

    def __init__(self, port, path="/mqtt", headers=(), protocol="mqtt"):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
                 f"Sec-WebSocket-Key: {self.key}", "Sec-WebSocket-Version: 13", *headers]
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.answer = b""
        while b"\r\n\r\n" not in self.answer:
            piece = self.socket.recv(4096)
            if not piece:
                break
            self.answer += piece
        self.answer, _, self.buffer = self.answer.partition(b"\r\n\r\n")
        self.status = int(self.answer.split()[1])

    def frame(self, opcode, payload=b"", last=True, masked=True):
        mask = os.urandom(4)
        head = bytes([(0x80 if last else 0) | opcode])
        flag = 0x80 if masked else 0
        if len(payload) < 126:
            head += bytes([flag | len(payload)])
        elif len(payload) < 65536:
            head += bytes([flag | 126]) + struct.pack("!H", len(payload))
        else:
            head += bytes([flag | 127]) + struct.pack("!Q", len(payload))
        if masked:
            payload = mask + bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
        return head + payload

    def send(self, *arguments, **options):
        self.socket.sendall(self.frame(*arguments, **options))

    def take(self, count):
        while len(self.buffer) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError
            self.buffer += piece
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def receive(self):
        first, second = self.take(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self.take(8))[0]
        assert not second & 0x80, "a server does not mask"
        return first & 0x0F, self.take(length)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class WebSocketTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install()
        folder = tempfile.TemporaryDirectory(prefix="martlet-ws-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.authority = Authority(cls.folder / "ca")
        certificate, key = cls.authority.issue("server")
        config = cls.folder / "martlet.toml"
        config.write_text(
            listener(protocol="ws")
            + listener(protocol="ws", tls__certificate=certificate, tls__key=key)
            + listener()
            + listener(protocol="ws", websocket__path="/only", websocket__origins=["https://good.example"])
        )
        cls.broker = Broker("--config", str(config), listen=None)
        cls.addClassCleanup(cls.broker.stop)
        cls.plain, cls.secure, cls.tcp, cls.strict = cls.broker.ports

    def test_mqttjs(self):
        done = run("node", str(FOLDER / "client.mjs"), f"ws://127.0.0.1:{self.plain}/mqtt")
        self.assertTrue(done.stdout.endswith(b"all ok\n"), done.stdout)

    def test_mqttjs_over_tls(self):
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": self.authority.ca}
        done = subprocess.run(["node", str(FOLDER / "client.mjs"), f"wss://localhost:{self.secure}/mqtt"], env=environment,
                              capture_output=True, timeout=PATIENCE_S * 2)
        self.assertTrue(done.stdout.endswith(b"all ok\n"), done.stdout + done.stderr)

    def test_curl_shakes_hands(self):
        for url, options in ((f"http://127.0.0.1:{self.plain}/mqtt", ()),
                             (f"https://localhost:{self.secure}/mqtt", ("--cacert", self.authority.ca))):
            done = run("curl", "-s", "-i", "-N", "--http1.1", "--max-time", "2", *options, "-H", "Connection: Upgrade", "-H",
                       "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H",
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "-H", "Sec-WebSocket-Protocol: mqtt", url, expect=None)
            self.assertIn(b"101 Switching Protocols", done.stdout)
            self.assertIn(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", done.stdout)
            self.assertIn(b"mqtt", done.stdout.lower().split(b"sec-websocket-protocol:")[1].split(b"\r\n")[0])

    def test_a_browser(self):
        page = PAGE.format(url=f"ws://127.0.0.1:{self.plain}/mqtt", connect=list(connect_packet(b"browser", version=4))).encode()
        reports = queue.Queue()

        class Site(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page)

            def do_POST(self):
                reports.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        self.addCleanup(site.server_close)
        self.addCleanup(site.shutdown)
        threading.Thread(target=site.serve_forever, daemon=True).start()
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
             "--remote-debugging-port=0", f"--user-data-dir={self.folder / 'profile'}",
             f"http://127.0.0.1:{site.server_address[1]}/"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            shown = reports.get(timeout=90)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
        self.assertEqual(shown.splitlines(), ["open with mqtt", "got 32,2,0,0", "closed 1000 clean true"])

    def test_packets_in_pieces_and_together(self):
        with RawWebSocket(self.plain) as client:
            self.assertEqual(client.status, 101)
            stream = connect_packet(b"pieces", version=4) + packet(0x82, b"\x00\x01" + text(b"ws/#") + b"\x00")
            for i, byte in enumerate(stream):
                client.send(2 if i == 0 else 0, bytes([byte]), last=i == len(stream) - 1)
                if i % 7 == 3:
                    client.send(9, b"are you there")
            seen, pongs = b"", 0
            while len(seen) < 9:
                opcode, payload = client.receive()
                if opcode == 10:
                    self.assertEqual(payload, b"are you there")
                    pongs += 1
                else:
                    self.assertEqual(opcode, 2)
                    seen += payload
            self.assertEqual(seen, b"\x20\x02\x00\x00\x90\x03\x00\x01\x00")
            self.assertGreater(pongs, 0)
            client.send(2, b"".join(packet(0x30, text(b"ws/t") + b"%d" % i) for i in range(100)))
            seen = b""
            while len(seen) < sum(len(packet(0x30, text(b"ws/t") + b"%d" % i)) for i in range(100)):
                seen += client.receive()[1]
            self.assertIn(b"ws/t99", seen)
            client.send(8, struct.pack("!H", 1000))
            opcode, payload = client.receive()
            self.assertEqual((opcode, payload[:2]), (8, struct.pack("!H", 1000)))

    def test_what_breaks_the_rules_is_refused(self):
        for headers, options, status in (
            ((), {"path": "/other"}, 404),
            ((), {"protocol": None}, 400),
            ((), {"protocol": "chat"}, 400),
            (("X-Long: " + "x" * 20_000,), {}, 431),
        ):
            with self.subTest(headers=str(headers)[:40], **options), RawWebSocket(self.plain, headers=headers, **options) as client:
                self.assertEqual(client.status, status, client.answer)
        for frames, code in ((lambda c: [c.frame(1, b"text")], 1003), (lambda c: [c.frame(2, b"\x10", masked=False)], 1002),
                             (lambda c: [c.frame(0, b"x")], 1002), (lambda c: [c.frame(3, b"x")], 1002),
                             (lambda c: [c.frame(9, b"x" * 126)], 1002)):
            with RawWebSocket(self.plain) as client:
                client.socket.sendall(b"".join(frames(client)))
                opcode, payload = client.receive()
                self.assertEqual((opcode, struct.unpack("!H", payload[:2])[0]), (8, code))

    def test_origins_and_paths(self):
        for path, origin, status in (("/only", "https://good.example", 101), ("/only", "https://evil.example", 403),
                                     ("/mqtt", "https://good.example", 404)):
            with RawWebSocket(self.strict, path=path, headers=(f"Origin: {origin}",)) as client:
                self.assertEqual(client.status, status, client.answer)

    def test_both_worlds_meet(self):
        with RawWebSocket(self.plain) as client:
            client.send(2, connect_packet(b"web", version=4) + packet(0x82, b"\x00\x01" + text(b"meet") + b"\x00"))
            seen = b""
            while len(seen) < 9:
                seen += client.receive()[1]
            run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.tcp), "-t", "meet", "-m", "y" * 100_000)
            seen = b""
            while len(seen) < 100_010:
                seen += client.receive()[1]
            self.assertTrue(seen.endswith(b"y" * 100_000))


if __name__ == "__main__":
    unittest.main()
