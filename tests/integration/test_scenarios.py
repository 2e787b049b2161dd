"""The scenario sets of `martlet bench` against the broker, as tests: nothing may be missing, doubled or out of order.

`./dev test scenarios SECONDS [BROKER ARGUMENT...]` sets how long each takes, and more options of the broker."""

import json
import os
import resource
import shlex
import shutil
import subprocess
import tempfile
import unittest

from support import MARTLET, PATIENCE_S, Broker

ALONE = True  # tests/integration/run
SECONDS = float(os.environ.get("SCENARIO_SECONDS", "1"))
BROKER_ARGUMENTS = shlex.split(os.environ.get("SCENARIO_BROKER_ARGUMENTS", ""))


class Sets(unittest.TestCase):
    def setUp(self):
        # A line for each of thousands of connections and subscriptions would be most of the work.
        self.options = ["--set", "log.level=info", "--set", "limits.max_packet_size=2MiB", *BROKER_ARGUMENTS]

    def play(self, *arguments, broker_arguments=()):
        """A clean run; its result."""
        with Broker(*self.options, *broker_arguments) as broker:
            command = [MARTLET, "bench", *map(str, arguments), "--duration", str(SECONDS), "--drain", "20",
                       "--port", str(broker.port), "--pid", str(broker.process.pid), "--json", "--quiet"]
            done = subprocess.run(command, capture_output=True, timeout=SECONDS * 3 + 6 * PATIENCE_S)
            said = f"{' '.join(command)}\n{done.stdout.decode()}{done.stderr.decode()}"
            self.assertEqual(done.returncode, 0, f"{said}{broker.log()[-2000:]}")
        return json.loads(done.stdout)

    def play_messages(self, *arguments, **more):
        result = self.play(*arguments, **more)
        self.assertGreater(result["received"], 0)
        return result

    def test_p2p_1k(self):
        self.assertEqual(self.play("p2p-1K")["latency_us"]["count"], round(1000 * SECONDS))

    def test_fanout_1_1k(self):
        self.assertEqual(self.play("fanout-1-1K", "--rate", 10)["latency_us"]["count"], round(10_000 * SECONDS))

    def test_sharedsub_1k_5(self):
        self.assertEqual(self.play("sharedsub-1K-5")["latency_us"]["count"], round(1000 * SECONDS))

    def test_fanin_1k_5(self):
        self.assertEqual(self.play("fanin-1K-5")["latency_us"]["count"], round(5000 * SECONDS))

    def test_conn_10k(self):
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 10_500:
            self.skipTest("needs 10,500 descriptors")
        self.assertEqual(self.play("conn-10K", "--rate", 4000)["connections"], 10_000)

    def test_churn(self):
        self.assertGreater(self.play("churn", "--qos", 1)["churn"]["rounds"], 0)

    def test_p2p_flat_out(self):
        for qos in (0, 1, 2):
            with self.subTest(qos=qos):
                self.play_messages("p2p", "--qos", qos)

    def test_p2p_flat_out_3_1_1(self):
        self.play_messages("p2p", "--qos", 2, "--protocol", "3.1.1")

    def test_mixed_qos(self):
        self.play_messages("p2p", "--qos", 2, "--subscribe-qos", 1)
        self.play_messages("p2p", "--qos", 1, "--subscribe-qos", 0)

    def test_fan_out_flat_out(self):
        self.play_messages("fan-out", "--qos", 1)

    def test_fan_in_flat_out(self):
        self.play_messages("fan-in", "--qos", 1, "--threads", 2)

    def test_shared_flat_out(self):
        self.play_messages("shared", "--qos", 1, "--threads", 2)

    def test_large_payloads(self):
        self.play_messages("large", "--qos", 1)
        self.play_messages("large", "--payload", 1_048_576, "--pairs", 3)

    def test_many_subscriptions(self):
        result = self.play_messages("subscribe", "--subscribers", 100, "--publishers", 10, "--qos", 1)
        self.assertEqual(result["subscriptions"], 100_000)

    def test_retained(self):
        self.assertEqual(self.play("retained", "--subscribers", 3)["received"], 300_000)

    def test_offline(self):
        path = tempfile.mkdtemp(prefix="martlet-test-")
        self.addCleanup(shutil.rmtree, path, True)
        result = self.play_messages("offline", "--subscribers", 10, broker_arguments=("--data", path))
        self.assertEqual(result["received"], 10 * result["sent"])


if __name__ == "__main__":
    unittest.main()
