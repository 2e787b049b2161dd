#!/usr/bin/python3
"""Layout as .clang-format says. `--fix` lays the files out."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import tree


def run(root, arguments, files):
    """clang-format over `files` in as many processes as there are cores; its messages."""
    share = max(1, -(-len(files) // os.cpu_count()))
    groups = [files[at : at + share] for at in range(0, len(files), share)]

    def one(group):
        done = subprocess.run(["clang-format", *arguments, *map(str, group)], cwd=root, text=True, capture_output=True)
        return done.stderr

    with ThreadPoolExecutor() as pool:
        return "".join(pool.map(one, groups))


def check(root):
    files = [path for path in tree.cpp_files(root)]
    messages = run(root, ["--dry-run", "-Werror"], files)
    first = {}
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: error: ", messages, flags=re.MULTILINE):
        first.setdefault(path, line)
    return [f"{path}:{line}: format: not laid out as .clang-format says; run ./dev fmt" for path, line in first.items()]


if __name__ == "__main__":
    if sys.argv[1:] == ["--fix"]:
        run(tree.ROOT, ["-i"], tree.cpp_files(tree.ROOT))
    tree.main(check)
