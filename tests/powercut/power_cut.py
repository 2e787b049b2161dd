#!/usr/bin/python3 -B
"""What a power cut may leave of a directory, from the account that the layer (layer.cc) kept.

  tests/powercut/power_cut.py BEFORE JOURNAL DIRECTORY [SEED]

BEFORE is a copy of DIRECTORY (POWERCUT_ROOT) from before the process began. What was synced is there in any case: a file's
bytes by its own fsync or fdatasync, names by the fsync of their directory. Of the rest, without a SEED nothing is there;
with one, for each file and directory by chance nothing, all up to a point (the last write torn, or of wrong bytes), or,
for files, any blocks in any order.
"""

import pathlib
import random
import shutil
import struct
import sys

HEAD = struct.Struct("<BIQII")
BIND, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, LINK, MKDIR, RMDIR = range(1, 10)
BLOCK = 4096


def put(content, at, data):
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


def resize(content, size):
    del content[size:]
    content.extend(bytes(size - len(content)))


class File:
    def __init__(self, content=b""):
        self.durable, self.pending = bytearray(content), []

    def sync(self):
        self.durable, self.pending = self.left(None, lambda: "all"), []

    def left(self, dice, how):
        """Its content after a power cut."""
        content, kind = bytearray(self.durable), how()
        upto = {"none": 0, "all": len(self.pending)}.get(kind)
        if upto is None:
            upto = dice.randint(0, len(self.pending))
        if kind == "blocks":
            for at, data in self.pending:
                if data is None:
                    if dice.random() < 0.5:
                        resize(content, at)
                    continue
                begin = 0
                while begin < len(data):
                    end = min(len(data), begin + BLOCK - (at + begin) % BLOCK)
                    if dice.random() < 0.5:
                        put(content, at + begin, data[begin:end])
                    begin = end
            return content
        for at, data in self.pending[:upto]:
            resize(content, at) if data is None else put(content, at, data)
        if kind == "prefix" and upto < len(self.pending) and self.pending[upto][1]:
            at, data = self.pending[upto]
            torn = dice.randint(0, len(data))
            wrong = dice.choice((0, len(data) - torn))
            put(content, at, data[:torn] + bytes(wrong))
        return content


class Directory:
    def __init__(self):
        self.durable, self.live, self.pending = {}, {}, []

    def change(self, names):
        """Names and what they stand for from now on; None: nothing."""
        self.apply(self.live, names)
        self.pending.append(names)

    @staticmethod
    def apply(to, names):
        for name, node in names.items():
            to.pop(name, None)
            if node is not None:
                to[name] = node

    def sync(self):
        self.durable, self.pending = dict(self.live), []

    def left(self, dice, how):
        names, kind = dict(self.durable), how()
        upto = {"none": 0, "all": len(self.pending)}.get(kind)
        for change in self.pending[: dice.randint(0, len(self.pending)) if upto is None else upto]:
            self.apply(names, change)
        return names


class Disk:
    def __init__(self, before):
        self.root, self.files = self.load(pathlib.Path(before)), {}

    def load(self, path):
        if not path.is_dir():
            return File(path.read_bytes())
        directory = Directory()
        directory.change({child.name: self.load(child) for child in path.iterdir()})
        directory.sync()
        return directory

    def parent(self, path):
        *parts, name = path.strip("/").split("/")
        node = self.root
        for part in parts:
            node = node.live[part]
        return node, name

    def find(self, path):
        if path == "/":
            return self.root
        directory, name = self.parent(path)
        return directory.live.get(name)

    def replay(self, journal):
        at = 0
        while at + HEAD.size <= len(journal):
            kind, number, value, first, second = HEAD.unpack_from(journal, at)
            at += HEAD.size
            texts = journal[at : at + first], journal[at + first : at + first + second]
            at += first + second
            if at > len(journal):
                return  # killed while it was noted
            self.step(kind, number, value, texts)

    def step(self, kind, number, value, texts):
        if kind == BIND:
            path = texts[0].decode()
            if value:
                directory, name = self.parent(path)
                directory.change({name: File()})
            self.files[number] = self.find(path) or File()
        elif kind == WRITE:
            self.files[number].pending.append((value, texts[0]))
        elif kind == TRUNCATE:
            self.files[number].pending.append((value, None))
        elif kind == SYNC:
            self.files[number].sync()
        else:
            self.change_name(kind, *(text.decode() for text in texts))

    def change_name(self, kind, path, other):
        directory, name = self.parent(path)
        if kind == MKDIR:
            directory.change({name: Directory()})
        elif kind in (UNLINK, RMDIR):
            directory.change({name: None})
        elif directory.live.get(name) is not None:  # else of a file that was not opened through the layer
            target, new = self.parent(other)
            assert target is directory, "names move within one directory"
            node = directory.live[name]
            directory.change(({name: None, new: node} if kind == RENAME else {new: node}))

    def write(self, node, path, dice, how):
        if isinstance(node, File):
            path.write_bytes(node.left(dice, how))
            return
        path.mkdir(exist_ok=True)
        for name, child in node.left(dice, how).items():
            self.write(child, path / name, dice, how)


def cut(before, journal, directory, seed=None):
    """Puts into `directory` what a power cut left."""
    disk = Disk(before)
    disk.replay(pathlib.Path(journal).read_bytes())
    dice = random.Random(seed)
    how = (lambda: "none") if seed is None else (lambda: dice.choice(("none", "prefix", "prefix", "blocks", "all")))
    directory = pathlib.Path(directory)
    shutil.rmtree(directory)
    disk.write(disk.root, directory, dice, how)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    cut(*sys.argv[1:4], *(int(seed) for seed in sys.argv[4:]))
