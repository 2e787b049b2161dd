"""Mosquitto's configuration means the same to us: each case's file is run by Debian's mosquitto and by `martlet broker
--mosquitto-conf`, the same client script talks to both, and what it saw has to be equal. This module: users, listeners and
what the broker promises; test_mosquitto_peer_limits.py has the limits, test_mosquitto_peer_tls.py what is encrypted."""

import functools
import os
import pathlib
import re
import shutil
import signal
import socket
import time
import unittest

from mosquitto_peer import Client, PeerCase, connect, covers
from support import MARTLET, PATIENCE_S, free_port, packet, run, text
from test_websocket import RawWebSocket


class MosquittoPeer(PeerCase):
    @covers("allow_anonymous", "listener")
    def test_anonymous_or_not(self):
        for allowed in ("true", "false"):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous {allowed}\n",
                      lambda ports: [self.client(ports[0]).connack(), self.client(ports[0]).connack(user=b"x", password=b"y"),
                                     self.client(ports[0]).connack(version=5)[0]])

    @covers("listener")
    def test_defaults_told_in_connack(self):
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\n",
                  lambda ports: [self.client(ports[0]).connack(version=5, client_id=b"five")])

    @covers("password_file")
    def test_passwords(self):
        def script(ports):
            return [self.client(ports[0]).connack(**who) for who in (
                {"user": b"ada", "password": b"pw"}, {"user": b"ada", "password": b"wrong"}, {"user": b"eve", "password": b"pw"},
                {"user": b"ada"}, {})] + [self.client(ports[0]).connack(version=5, user=b"ada", password=b"no")[0]]
        self.both(f"listener PORT1 127.0.0.1\npassword_file {self.folder}/users\n", script)

    @covers("acl_file", "password_file")
    def test_rules(self):
        acl = self.folder / "acl"
        acl.write_text("topic read public/#\nuser ada\ntopic readwrite a/#\ntopic deny a/secret\npattern write own/%u/%c\n")
        acl.chmod(0o644)

        def script(ports):
            ada = self.connected(ports[0], b"ada1", user=b"ada", password=b"pw")
            bob = self.connected(ports[0], b"bob1", user=b"bob", password=b"pw2")
            seen = [ada.subscribe(b"#"), bob.subscribe(b"#"), bob.subscribe(b"a/+")]
            for topic in (b"a/1", b"a/secret", b"public/1", b"own/ada/ada1", b"own/ada/other"):
                ada.publish(topic, b"x", qos=1)
                seen.append(("ada", topic, ada.messages(), bob.messages()))
            five = self.connected(ports[0], b"five", version=5, user=b"ada", password=b"pw")
            five.publish(b"a/secret", b"x", qos=1, version=5)
            answer = five.packet()
            return seen + [answer[1][:3]]
        self.both(f"listener PORT1 127.0.0.1\npassword_file {self.folder}/users\nacl_file {acl}\n", script)

    @covers("mount_point")
    def test_mount_points(self):
        def script(ports):
            inside, outside = self.connected(ports[0], b"in"), self.connected(ports[1], b"out")
            seen = [inside.subscribe(b"#"), outside.subscribe(b"#")]
            for sender, topic in ((inside, b"a"), (outside, b"site/b"), (outside, b"c")):
                sender.publish(topic, b"x")
                # The one that Debian has forgets to take the mount point off again, against its own manual.
                here = [(first, re.sub(rb"^\x00.site/", b"", body).lstrip(b"\x00\x01")) for first, body in inside.messages()]
                seen.append((here, outside.messages()))
            return seen
        self.both("allow_anonymous true\nlistener PORT1 127.0.0.1\nmount_point site/\nlistener PORT2 127.0.0.1\n", script)

    @covers("use_username_as_clientid")
    def test_user_names_as_identifiers(self):
        def script(ports):
            first = self.connected(ports[0], b"x", user=b"ada", password=b"pw")
            second = self.connected(ports[0], b"y", user=b"ada", password=b"pw")
            return [first.packet(), second.subscribe(b"t"), self.client(ports[0]).connack()]
        self.both(f"listener PORT1 127.0.0.1\npassword_file {self.folder}/users\nuse_username_as_clientid true\n", script)

    @covers("protocol")
    def test_websockets(self):
        def script(ports):
            with RawWebSocket(ports[1]) as web:
                web.send(2, connect(b"web") + packet(0x82, b"\x00\x07" + text(b"w") + b"\x00"))
                seen = b""
                while len(seen) < 9:
                    seen += web.receive()[1]
                self.connected(ports[0], b"tcp").publish(b"w", b"hello")
                return [web.status, seen, web.receive()]
        self.both("allow_anonymous true\nlistener PORT1 127.0.0.1\nlistener PORT2 127.0.0.1\nprotocol websockets\n", script, ready=lambda ports: ports[1])


    @covers("per_listener_settings", "allow_anonymous", "password_file", "acl_file")
    def test_settings_of_each_listener(self):
        self.file("one", "topic one/#\n")
        self.file("two", "topic two/#\nuser ada\ntopic #\n")

        def script(ports):
            seen = [self.client(port).connack(**who) for port in ports for who in (
                {}, {"user": b"ada", "password": b"pw"}, {"user": b"ada", "password": b"wrong"})]
            first, second = self.connected(ports[0], b"a"), self.connected(ports[1], b"b", user=b"bob", password=b"pw2")
            # Who calls itself ada at the first listener has nothing of what ada may do at the second.
            other = self.connected(ports[0], b"c", user=b"ada")
            seen += [client.subscribe(b"#") for client in (first, second, other)]
            for sender in (first, second, other):
                for topic in (b"one/1", b"two/1", b"three"):
                    sender.publish(topic, b"x", qos=1)
                    seen.append((topic, [sorted(client.messages()) for client in (first, second, other)]))
            return seen
        self.both("per_listener_settings true\nlistener PORT1 127.0.0.1\nallow_anonymous true\nacl_file FOLDER/one\n"
                  "listener PORT2 127.0.0.1\npassword_file FOLDER/users\nacl_file FOLDER/two\n", script, migrate=True)

    @covers("clientid_prefixes", "auto_id_prefix")
    def test_client_identifiers(self):
        def script(ports):
            seen = [self.client(ports[0]).connack(client_id=name, version=version)
                    for version in (4, 5) for name in (b"fleet-1", b"other", b"fleet", b"fleet-")]
            code, properties = self.client(ports[0]).connack(client_id=b"", version=5)
            seen.append((code, properties.pop(0x12, b"")[:6], properties))
            return seen
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nclientid_prefixes fleet-\n", script)
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nclientid_prefixes fleet-\nauto_id_prefix fleet-\n", script, migrate=True)

    @covers("allow_duplicate_messages")
    def test_overlapping_subscriptions(self):
        def script(ports):
            sender, receiver = self.connected(ports[0], b"s"), self.connected(ports[0], b"r")
            seen = [receiver.subscribe(topic, 1) for topic in (b"a/#", b"a/+", b"a/b")]
            sender.publish(b"a/b", b"x", qos=1)
            return seen + [receiver.messages()]
        for options in ("", "allow_duplicate_messages true\n", "allow_duplicate_messages false\n"):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous true\n{options}", script)

    @covers("check_retain_source")
    def test_retained_messages_of_those_who_lost_access(self):
        def script(ports):
            acl = self.file("source-acl", "user ada\ntopic t/#\nuser bob\ntopic read t/#\n")
            self.side.process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
            ada = self.connected(ports[0], b"ada", user=b"ada", password=b"pw")
            ada.publish(b"t/1", b"kept", qos=1, retain=True)
            seen = [ada.packet()]
            acl.write_text("user bob\ntopic read t/#\n")
            self.side.process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
            ada.publish(b"t/2", b"no more", qos=1, retain=True)
            bob = self.connected(ports[0], b"bob", user=b"bob", password=b"pw2")
            return seen + [ada.packet(), bob.subscribe(b"t/#"), bob.messages()]
        self.file("source-acl", "")
        self.both("listener PORT1 127.0.0.1\npassword_file FOLDER/users\nacl_file FOLDER/source-acl\ncheck_retain_source false\n", script,
                  at_once=False)

    @covers("include_dir")
    def test_included_files(self):
        (self.folder / "conf.d").mkdir()
        # Capital letters come before their small ones, and the last of several lines counts.
        for name, value in (("b.conf", 7), ("B.conf", 8), ("a.conf", 9), ("ignored.txt", 10), (".conf", 11)):
            self.file(f"conf.d/{name}", f"max_inflight_messages {value}\n")
        for name, value in (("c.conf", 3), ("D.conf", 4), (".hidden.conf", 5)):
            self.file(f"conf.d/{name}", f"max_topic_alias {value}\n")
        for name, value in (("e_.conf", 80), ("ea.conf", 70)):
            self.file(f"conf.d/{name}", f"max_keepalive {value}\n")
        for name, value in (("z.conf", 1000), ("é.conf", 2000)):
            self.file(f"conf.d/{name}", f"max_packet_size {value}\n")

        def script(ports):
            return [self.client(ports[0]).connack(version=5, keep_alive=100)]
        port = free_port()
        self.file("conf.d/00.conf", f"# first\nlistener {port} 127.0.0.1\nmax_qos 1\n")
        self.both("allow_anonymous true\ninclude_dir FOLDER/conf.d\n", lambda _: script([port]), ready=lambda _: port, migrate=True,
                  at_once=False)

    @covers("persistence", "retained_persistence", "persistence_location", "autosave_interval", "autosave_on_changes")
    def test_what_outlives_the_process(self):
        def before(ports):
            keeper = self.connected(ports[0], b"keeper", clean=False)
            seen = [keeper.subscribe(b"t/#", 1)]
            keeper.leave()
            sender = self.connected(ports[0], b"s")
            for topic, retain in ((b"t/owed", False), (b"t/kept", True)):
                sender.publish(topic, b"x", qos=1, retain=retain)
                seen.append(sender.packet())
            return seen

        def after(ports):
            keeper, other = self.connected(ports[0], b"keeper", clean=False), self.connected(ports[0], b"o")
            return [keeper.messages(), other.subscribe(b"#"), other.messages()]
        content = ("KIND true\npersistence_location FOLDER/data/\nautosave_interval 1\nautosave_on_changes true\n"
                   "listener PORT1 127.0.0.1\nallow_anonymous true\n")
        for kind in ("persistence", "retained_persistence"):
            self.check_persistence(content.replace("KIND", kind), before, after)

    def check_persistence(self, content, before, after):
        ports, seen = [free_port()], []
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        for name in ("mosquitto", "martlet"):
            (self.folder / "data").mkdir(exist_ok=True)
            path = self.conf(content, ports, "user root\n")
            command = ["mosquitto", "-c", str(path)] if name == "mosquitto" else [MARTLET, "broker", "-c", str(path)]
            seen.append([self.seen(command, ports[0], functools.partial(script, ports)) for script in (before, after)])
        self.assertEqual(*seen)
        self.assertTrue((self.folder / "data/mosquitto.db").exists() and (self.folder / "data/martlet-data").is_dir())

    @unittest.skipUnless(os.geteuid() == 0, "only root may become somebody else")
    @covers("user")
    def test_whose_process_it_is(self):
        self.both("user nobody\nlistener PORT1 127.0.0.1\nallow_anonymous true\n", lambda ports: [
            self.client(ports[0]).connack(),
            re.findall(r"^[UG]id:.*", pathlib.Path(f"/proc/{self.side.process.pid}/status").read_text(), re.MULTILINE)], plain="")

    @covers("log_type", "log_dest", "log_timestamp", "connection_messages")
    def test_log(self):
        def script(ports):
            self.connected(ports[0], b"talkative")
            time.sleep(0.3)
            return ["talkative" in self.side.text()]
        for options in ("", "log_type error\n", "log_dest none\n", "log_type all\nlog_dest stderr\nlog_timestamp true\nconnection_messages true\n"):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous true\n{options}", script)

    @covers("sys_interval")
    def test_figures(self):
        def script(ports):
            client = self.connected(ports[0], b"c")
            seen = [client.subscribe(b"$SYS/#")]
            topics, end = set(), time.monotonic() + 2.5
            while time.monotonic() < end:
                if not isinstance(one := client.packet(0.5), str):
                    topics.add(one[1][2:2 + one[1][1]])
            # Mosquitto's figures of its heap and what we have besides are not compared.
            return seen + [sorted(topic for topic in topics if re.match(
                rb"\$SYS/broker/(version|uptime|clients/(?!maximum)|load/|messages/(?!inflight)|publish/|subscriptions|store/messages|"
                rb"retained|bytes/|shared)", topic))]
        for interval in (0, 1):
            self.both(f"listener PORT1 127.0.0.1\nallow_anonymous true\nsys_interval {interval}\n", script)

    @covers("listener", "port", "bind_address", "socket_domain", "bind_interface")
    def test_addresses(self):
        def reached(ports):
            seen = []
            for port in ports:
                for host in ("127.0.0.1", "::1"):
                    try:
                        socket.create_connection((host, port), PATIENCE_S).close()
                        seen.append((host, ports.index(port)))
                    except OSError:
                        pass
            return seen
        for options in ("listener PORT1\n", "listener PORT1 localhost\n", "listener PORT1\nsocket_domain ipv4\n",
                        "listener PORT1\nbind_interface lo\n", "port PORT1\n", "port PORT1\nbind_address 127.0.0.1\n",
                        "port PORT1\nlistener PORT2\n"):
            self.both(f"{options}allow_anonymous true\n", reached)
        self.both("listener PORT1 127.0.0.1\nlistener PORT2\nsocket_domain ipv6\n", reached)
        path = self.conf("listener PORT1\nbind_interface nosuch\n", [free_port()])
        for command in self.commands(path, False):
            self.assertNotEqual(run(*command, expect=None).returncode, 0, "an interface that is not there")

    @covers("listener")
    def test_unix_sockets(self):
        def script(_):
            one = Client(socket.socket(socket.AF_UNIX))
            self.here.clients.append(one)
            one.transport.connect(str(self.folder / "m.sock"))
            return [one.connack(), one.subscribe(b"t")]
        self.both("listener PORT1 127.0.0.1\nlistener 0 FOLDER/m.sock\nallow_anonymous true\n", script, at_once=False)

    @covers("websockets_headers_size")
    def test_headers_of_web_sockets(self):
        def script(ports):
            seen = []
            for size in (10, 3000):
                try:
                    with RawWebSocket(ports[1], headers=[f"Cookie: {'x' * size}"]) as web:
                        seen.append(web.status)
                except (OSError, IndexError):
                    seen.append("closed")
            return seen
        self.both("allow_anonymous true\nwebsockets_headers_size 8192\nlistener PORT1 127.0.0.1\nlistener PORT2 127.0.0.1\n"
                  "protocol websockets\n", script, ready=lambda ports: ports[1])

    @covers("password_file")
    def test_a_client_identifier_names_a_session(self):
        def script(ports):
            ada = self.connected(ports[0], b"same", user=b"ada", password=b"pw", clean=False)
            seen = [ada.subscribe(b"private/#", 1)]
            bob = self.client(ports[0])
            seen.append(bob.connack(client_id=b"same", user=b"bob", password=b"pw2", clean=False))
            sender = self.connected(ports[0], b"s", user=b"ada", password=b"pw")
            sender.publish(b"private/1", b"x", qos=1)
            return seen + [sender.messages(), ada.messages(), bob.messages()]
        self.both("listener PORT1 127.0.0.1\npassword_file FOLDER/users\n", script)

    @covers("allow_anonymous", "acl_file")
    def test_names_that_nobody_checks(self):
        self.file("claimed-acl", "topic anonymous/#\nuser ada\ntopic ada/#\npattern own/%u/#\n")

        def script(ports):
            seen = []
            for who in ({}, {"user": b"ada"}, {"user": b"ada", "password": b"anything"}, {"user": b"eve", "password": b"x"}):
                client = self.client(ports[0])
                seen += [client.connack(**who), client.subscribe(b"#")]
                for topic in (b"anonymous/1", b"ada/1", b"own/ada/1", b"own/eve/1"):
                    client.publish(topic, b"x", qos=1)
                    seen.append((topic, sorted(client.messages())))
            return seen
        self.both("listener PORT1 127.0.0.1\nallow_anonymous true\nacl_file FOLDER/claimed-acl\n", script)


if __name__ == "__main__":
    unittest.main()
