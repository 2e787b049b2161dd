"""MQTT.js from the npm registry, in Node."""

import subprocess
import unittest

from support import HERE, BrokerTest, run

FOLDER = HERE / "mqttjs"


class MqttJs(BrokerTest):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=FOLDER, check=True, stdin=subprocess.DEVNULL)
        super().setUpClass()

    def test_every_version_and_qos(self):
        done = run("node", str(FOLDER / "client.mjs"), str(self.broker.port))
        self.assertTrue(done.stdout.endswith(b"all ok\n"), done.stdout)


if __name__ == "__main__":
    unittest.main()
