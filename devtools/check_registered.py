#!/usr/bin/python3
"""No source is left out of the build: a test that nobody compiles proves nothing."""

from pathlib import Path

import tree

# The folders whose every source is in the release build with tests; bench/ and fuzz/ list their folder themselves.
BUILT = ("src", "sim", "tests")


def check(root):
    commands = tree.compile_database(root)
    if not commands:
        return ["build/release:1: registered: not configured; run ./dev check"]
    failures = []
    for path in tree.walk(root, ".cc", under=BUILT):
        if path not in commands:
            kind = "test" if path.name.endswith("_test.cc") else "source"
            failures.append(f"{path}:1: registered: this {kind} is in no target of the build; name its folder in "
                            f"{nearest_list(root, path)}")
    return failures


def nearest_list(root, path):
    """The CMakeLists.txt that should know of it."""
    for folder in path.parents:
        if (Path(root) / folder / "CMakeLists.txt").is_file():
            return folder / "CMakeLists.txt"
    return "CMakeLists.txt"


if __name__ == "__main__":
    tree.main(check)
