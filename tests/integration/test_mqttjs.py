"""MQTT.js from the npm registry, in Node."""

import functools
import subprocess
import unittest

from support import HERE, BrokerTest, run

FOLDER = HERE / "mqttjs"


@functools.cache
def install():
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=FOLDER, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


class MqttJs(BrokerTest):
    @classmethod
    def setUpClass(cls):
        install()
        super().setUpClass()

    def test_every_version_and_qos(self):
        done = run("node", str(FOLDER / "client.mjs"), f"mqtt://127.0.0.1:{self.broker.port}")
        self.assertTrue(done.stdout.endswith(b"all ok\n"), done.stdout)


if __name__ == "__main__":
    unittest.main()
