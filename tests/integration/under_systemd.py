"""The units of packaging/systemd, under a systemd of their own (machine.py). Not one of the tests that run by default,
because it needs root, namespaces and cgroups, and fails without:

  tests/integration/run BUILD under_systemd
"""

import pathlib
import re
import unittest

from machine import Machine
from support import HERE, MARTLET, wait_until

UNITS = HERE.parents[1] / "packaging" / "systemd"
CONFIG = '[[listener]]\nname = "mqtt"\naddress = "127.0.0.1:1883"\n'
NAMES = ("martlet.service", "martlet.socket")


class UnderSystemd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        files = {f"/etc/systemd/system/{name}": (UNITS / name).read_text() for name in NAMES}
        cls.machine = Machine(cls, MARTLET, {**files, "/etc/martlet/martlet.toml": CONFIG})

    def setUp(self):
        self.machine.write("/etc/martlet/martlet.toml", CONFIG)
        self.addCleanup(self.machine.systemctl, "reset-failed", *NAMES, expect=None)
        self.addCleanup(self.machine.systemctl, "stop", *NAMES)

    def change_unit(self, text):
        self.machine.write("/etc/systemd/system/martlet.service.d/test.conf", "[Service]\n" + text)
        self.machine.systemctl("daemon-reload")
        self.addCleanup(self.machine.systemctl, "daemon-reload")
        self.addCleanup(self.machine.do, "rm", "/etc/systemd/system/martlet.service.d/test.conf")

    def main_pid(self):
        return self.machine.shows("martlet", "MainPID")

    def publish(self, *words, expect=0):
        return self.machine.do("mosquitto_pub", "-h", "127.0.0.1", "-V", "5", "-q", "1", "-t", "t", *words, expect=expect)

    def test_it_starts_keeps_its_data_and_stops(self):
        self.machine.systemctl("start", "martlet")
        self.assertEqual(self.machine.shows("martlet", "ActiveState"), "active")
        owner = self.machine.do("stat", "-c", "%U", f"/proc/{self.main_pid()}").stdout.strip()
        self.assertNotEqual(owner, b"root")
        self.assertEqual(self.machine.do("stat", "-L", "-c", "%a", "/var/lib/martlet").stdout.strip(), b"700")
        self.publish("-r", "-m", "kept")
        before = self.main_pid()
        self.machine.systemctl("restart", "martlet")
        self.assertNotEqual(self.main_pid(), before)
        got = self.machine.do("mosquitto_sub", "-h", "127.0.0.1", "-t", "t", "-C", "1", "-W", "10").stdout
        self.assertEqual(got, b"kept\n")
        self.publish("-r", "-n")
        self.machine.systemctl("stop", "martlet")
        self.assertEqual((self.machine.shows("martlet", "Result"), self.machine.shows("martlet", "ExecMainStatus")), ("success", "0"))
        self.assertEqual(self.machine.shows("martlet", "NRestarts"), "0")

    def assertNothingForbidden(self):
        told = self.machine.journal("_SYSTEMD_INVOCATION_ID=" + self.machine.shows("martlet", "InvocationID"))
        self.assertIn("listens on", told)
        self.assertNotRegex(told, r'not permitted|[Pp]ermission denied|"level":"(warning|error)"')

    def test_nothing_is_forbidden_that_it_needs(self):
        self.machine.write("/etc/martlet/martlet.toml", CONFIG + "[server]\npin_threads = true\n")
        self.machine.systemctl("start", "martlet")
        self.publish("-m", "x")
        self.assertNothingForbidden()
        tasks = self.machine.do("bash", "-c", f"grep -h Cpus_allowed_list: /proc/{self.main_pid()}/task/*/status").stdout
        pinned = re.findall(rb"\t(\d+)\n", tasks)
        self.assertGreaterEqual(len(pinned), 2, tasks)

    def test_reload(self):
        self.machine.systemctl("start", "martlet")
        before = self.main_pid()
        self.machine.write("/etc/martlet/martlet.toml", CONFIG + '[log]\nlevel = "debug"\n')
        self.machine.systemctl("reload", "martlet")
        self.machine.write("/etc/martlet/martlet.toml", CONFIG + "[log]\nlevle = 1\n")
        self.machine.systemctl("reload", "martlet", expect=1)
        self.assertIn("levle", self.machine.journal("-u", "martlet"))
        self.publish("-m", "x")
        self.assertEqual(self.main_pid(), before)

    def test_who_stands_still_is_replaced(self):
        self.change_unit("WatchdogSec=2\n")
        self.machine.systemctl("start", "martlet")
        before = self.main_pid()
        self.machine.do("kill", "-STOP", before)
        wait_until(lambda: self.main_pid() not in (before, "0") and self.machine.shows("martlet", "ActiveState") == "active",
                   "another broker", lambda: self.machine.journal("-u", "martlet"))
        self.publish("-m", "x")
        self.assertEqual(self.machine.shows("martlet", "NRestarts"), "1")

    def test_a_broker_that_is_killed_is_replaced(self):
        self.machine.systemctl("start", "martlet")
        before = self.main_pid()
        self.machine.do("kill", "-KILL", before)
        wait_until(lambda: self.main_pid() not in (before, "0") and self.machine.shows("martlet", "ActiveState") == "active",
                   "another broker", lambda: self.machine.journal("-u", "martlet"))

    def test_a_wrong_configuration_is_told_once(self):
        self.machine.write("/etc/martlet/martlet.toml", CONFIG + "[log]\nlevle = 1\n")
        self.machine.systemctl("start", "martlet", expect=1)
        self.assertEqual(self.machine.shows("martlet", "ActiveState"), "failed")
        self.assertEqual(self.machine.shows("martlet", "NRestarts"), "0")
        self.assertIn("levle", self.machine.journal("-u", "martlet"))

    def test_the_socket_is_there_before_the_broker(self):
        self.machine.systemctl("start", "martlet.socket")
        self.assertEqual(self.machine.shows("martlet", "ActiveState"), "inactive")
        self.publish("-m", "starts it")
        before = self.main_pid()
        self.assertNotEqual(before, "0")
        # Nobody is refused while there is no broker.
        self.machine.systemctl("kill", "-s", "KILL", "martlet")
        for _ in range(5):
            self.publish("-m", "x")
        self.assertNotEqual(self.main_pid(), before)

    def test_files_of_users_and_keys(self):
        """As docs/service.md has it."""
        self.machine.write("/etc/sysusers.d/martlet.conf", (UNITS / "martlet.sysusers").read_text())
        self.machine.do("systemd-sysusers", "martlet.conf")
        self.addCleanup(self.machine.do, "groupdel", "martlet", expect=None)  # if the next leaves it
        self.addCleanup(self.machine.do, "userdel", "martlet")
        self.addCleanup(self.machine.systemctl, "stop", *NAMES)
        self.machine.do("martlet", "passwd", "-c", "-b", "/etc/martlet/users", "ada", "secret")
        self.machine.do("chgrp", "martlet", "/etc/martlet/users")
        self.machine.do("chmod", "640", "/etc/martlet/users")
        self.machine.write("/etc/martlet/martlet.toml", CONFIG + '[[authentication]]\nkind = "file"\npath = "users"\n')
        self.machine.systemctl("start", "martlet")
        self.publish("-u", "ada", "-P", "secret", "-m", "x")
        self.machine.do("martlet", "passwd", "-b", "/etc/martlet/users", "ada", "other")
        self.machine.systemctl("reload", "martlet")
        self.publish("-u", "ada", "-P", "other", "-m", "x")
        self.assertNothingForbidden()

    def test_what_systemd_thinks_of_the_units(self):
        told = self.machine.do("systemd-analyze", "verify", *(f"/etc/systemd/system/{name}" for name in NAMES))
        self.assertEqual((told.stdout + told.stderr).decode().strip(), "")
        told = self.machine.do("systemd-analyze", "--no-pager", "security", "--offline=true", "/etc/systemd/system/martlet.service")
        exposure = float(re.search(r"exposure level[^:]*: ([0-9.]+)", told.stdout.decode()).group(1))
        self.assertLessEqual(exposure, 2.0, told.stdout.decode())


if __name__ == "__main__":
    unittest.main()
