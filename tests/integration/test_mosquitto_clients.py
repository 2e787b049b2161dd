"""mosquitto_pub, mosquitto_sub and mosquitto_rr at every version and QoS that they have."""

import unittest

from support import BrokerTest, Subscriber, run

VERSIONS = ("mqttv31", "mqttv311", "mqttv5")


class MosquittoClients(BrokerTest):
    def publish(self, *arguments, stdin=b""):
        run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker.port), *arguments, stdin=stdin)

    def subscriber(self, *arguments):
        return Subscriber(self.broker, ["mosquitto_sub"], "-W", "20", *arguments)

    def test_every_version_and_qos(self):
        for version in VERSIONS:
            for qos in "012":
                with self.subTest(version=version, qos=qos):
                    subscriber = self.subscriber("-V", version, "-q", qos, "-t", f"m/{version}/{qos}/#", "-C", "5", "-v")
                    for i in range(5):
                        self.publish("-V", version, "-q", qos, "-t", f"m/{version}/{qos}/{i}", "-m", f"message {i}")
                    wanted = "".join(f"m/{version}/{qos}/{i} message {i}\n" for i in range(5))
                    self.assertEqual(subscriber.output().decode(), wanted)

    def test_versions_meet(self):
        for publisher in VERSIONS:
            for receiver in VERSIONS:
                with self.subTest(publisher=publisher, receiver=receiver):
                    subscriber = self.subscriber("-V", receiver, "-q", "2", "-t", "meet", "-C", "1")
                    self.publish("-V", publisher, "-q", "2", "-t", "meet", "-m", "x")
                    self.assertEqual(subscriber.output(), b"x\n")

    def test_binary_payload_and_null_message(self):
        payload = bytes(range(256)) * 40
        subscriber = self.subscriber("-N", "-t", "binary", "-C", "2")
        self.publish("-s", "-q", "1", "-t", "binary", stdin=payload)
        self.publish("-n", "-q", "1", "-t", "binary")
        self.assertEqual(subscriber.output(), payload)

    def test_many_lines_in_order(self):
        lines = "".join(f"line {i}\n" for i in range(3000)).encode()
        for qos in "012":
            with self.subTest(qos=qos):
                subscriber = self.subscriber("-q", qos, "-t", "lines", "-C", "3000")
                self.publish("-q", qos, "-t", "lines", "-l", stdin=lines)
                self.assertEqual(subscriber.output(), lines)

    def test_retained(self):
        self.publish("-r", "-t", "keep/a", "-m", "first")
        self.publish("-r", "-t", "keep/a", "-m", "second")
        self.assertEqual(self.subscriber("-t", "keep/#", "-C", "1", "-F", "%r %p").output(), b"1 second\n")
        self.publish("-r", "-n", "-t", "keep/a")
        self.publish("-r", "-t", "keep/b", "-m", "third")
        self.assertEqual(self.subscriber("-t", "keep/#", "-C", "1").output(), b"third\n")

    def test_persistent_session(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                expiry = ["-x", "600"] if version == "mqttv5" else []
                session = ["-V", version, "-i", f"keeper-{version}", "-c", *expiry, "-q", "1", "-t", f"away/{version}"]
                first = self.subscriber(*session, "-C", "1")
                self.publish("-q", "1", "-t", f"away/{version}", "-m", "while here")
                self.assertEqual(first.output(), b"while here\n")
                for i in range(3):
                    self.publish("-q", "1", "-t", f"away/{version}", "-m", f"while away {i}")
                again = self.subscriber(*session, "-C", "3")
                self.assertEqual(again.output(), b"while away 0\nwhile away 1\nwhile away 2\n")

    def test_properties_pass_through(self):
        subscriber = self.subscriber("-V", "5", "-t", "properties", "-C", "1", "-F", "%C|%D|%R|%P|%F|%p")
        self.publish(
            *("-V", "5", "-t", "properties", "-m", "body"),
            *("-D", "publish", "content-type", "text/plain", "-D", "publish", "correlation-data", "abc"),
            *("-D", "publish", "response-topic", "answer/here", "-D", "publish", "payload-format-indicator", "1"),
            *("-D", "publish", "user-property", "k1", "v1", "-D", "publish", "user-property", "k1", "v2"),
        )
        self.assertEqual(subscriber.output(), b"text/plain|abc|answer/here|k1:v1 k1:v2|1|body\n")

    def test_will_when_the_client_dies(self):
        watcher = self.subscriber("-t", "wills/#", "-C", "1", "-v")
        doomed = Subscriber(
            self.broker, ["mosquitto_sub"], "-t", "x", "--will-topic", "wills/doomed", "--will-payload", "gone", "--will-qos", "1"
        )
        doomed.process.kill()
        doomed.process.communicate()
        self.assertEqual(watcher.output(), b"wills/doomed gone\n")

    def test_request_and_response(self):
        responder = self.subscriber("-V", "5", "-t", "service", "-C", "1", "-F", "%R %D")
        import subprocess

        requester = subprocess.Popen(
            ["mosquitto_rr", "-h", "127.0.0.1", "-p", str(self.broker.port), "-V", "5", "-W", "20"]
            + ["-t", "service", "-e", "reply/1", "-m", "question", "-D", "publish", "correlation-data", "c7"],
            stdout=subprocess.PIPE,
        )
        self.assertEqual(responder.output(), b"reply/1 c7\n")
        self.publish("-V", "5", "-t", "reply/1", "-m", "answer", "-D", "publish", "correlation-data", "c7")
        self.assertEqual(requester.communicate(timeout=20)[0], b"answer\n")

    def test_shared_subscription_splits_the_work(self):
        members = [self.subscriber("-V", "5", "-q", "1", "-t", "$share/crew/jobs", "-C", "10") for _ in range(2)]
        self.publish("-V", "5", "-q", "1", "-t", "jobs", "-l", stdin="".join(f"{i}\n" for i in range(20)).encode())
        got = [member.output().split() for member in members]
        self.assertEqual([len(part) for part in got], [10, 10])
        self.assertEqual(sorted(got[0] + got[1], key=int), [str(i).encode() for i in range(20)])

    def test_figures_under_sys(self):
        out = self.subscriber("-t", "$SYS/broker/version", "-C", "1").output()
        self.assertRegex(out, rb"^martlet version \d")


if __name__ == "__main__":
    unittest.main()
