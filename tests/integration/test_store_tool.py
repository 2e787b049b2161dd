"""`martlet store` on real data directories: in order, damaged, and in use."""

import json
import pathlib
import re
import tarfile
import unittest

from support import HERE, MARTLET, run
from test_durable import Directory
from test_upgrade import content

ARCHIVES = HERE.parent / "upgrade"


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x5A
    path.write_bytes(data)


class StoreTool(Directory):
    def unpack(self, how):
        with tarfile.open(ARCHIVES / f"format-1-layout-1-{how}.tar.xz") as files:
            files.extractall(self.path)
        return pathlib.Path(self.path, "data")

    def store(self, *arguments, expect=0):
        done = run(MARTLET, "store", *map(str, arguments), expect=expect)
        return done.stdout.decode(), done.stderr.decode()

    def largest(self, data, pattern):
        return max(data.glob(pattern), key=lambda path: path.stat().st_size)

    def test_in_order_and_left_untouched(self):
        for how in ("killed", "stopped"):
            data = self.unpack(how)
            before = content(data)
            out, _ = self.store("check", data)
            self.assertRegex(out, r": all is in order: 132 log records, 8 sessions, 28 pairs in \d+ files")
            out, _ = self.store("dump", data, "--json")
            lines = [json.loads(line) for line in out.splitlines()]
            self.assertEqual([line["position"] for line in lines if line["table"] == "log"], list(range(1, 133)))
            self.assertEqual([line["client"] for line in lines if line["table"] == "wills"], ["mortal"])
            out, _ = self.store("dump", data, "--table", "log", "--from", "100", "--count", "2")
            self.assertEqual(re.findall(r"^log position=(\d+)", out, re.M), ["100", "101"])
            figures = json.loads(self.store("stats", data, "--json")[0])
            self.assertEqual((figures["records"], figures["sessions"], figures["owed"], figures["damages"]), (132, 8, 253, 0))
            self.assertEqual(content(data), before)

    def test_a_damaged_file_of_a_table(self):
        data = self.unpack("stopped")
        damaged = self.largest(data, "*.sst")
        flip(damaged, 200)
        out, _ = self.store("check", data, expect=1)
        self.assertRegex(out, rf"damage: .*{damaged.name}")
        self.assertRegex(out, r"damage: log records \d+ to \d+ cannot be read; the first: .*read log record \d+: Corruption")
        _, error = self.store("stats", data, expect=1)
        self.assertIn("damage: ", error)

    def test_a_damaged_write_ahead_log(self):
        data = self.unpack("killed")
        damaged = self.largest(data, "*.log")
        flip(damaged, 1000)
        out, _ = self.store("check", data, expect=1)
        self.assertRegex(out, rf"damage: write-ahead log {damaged.name} is damaged at byte \d+: what is behind it")
        self.assertRegex(out, r": 1 damages: \d+ log records")

    def test_a_torn_end_is_no_damage(self):
        data = self.unpack("killed")
        torn = self.largest(data, "*.log")
        torn.write_bytes(torn.read_bytes()[:-3])
        self.store("check", data)

    def test_what_cannot_be_opened(self):
        self.assertIn("there is none", self.store("check", self.path + "/none", expect=3)[1])
        data = self.unpack("stopped")
        self.path = str(data)
        with self.broker() as broker:
            self.assertIn(f"process {broker.process.pid} has it open", self.store("check", self.path, expect=3)[1])
        pathlib.Path(data, "FORMAT").write_text("martlet-store 2\n")
        self.assertIn("use the newer martlet", self.store("dump", data, expect=3)[1])
        self.assertIn("did you mean", self.store("chekc", data, expect=2)[1])


if __name__ == "__main__":
    unittest.main()
