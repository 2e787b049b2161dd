#!/usr/bin/python3
"""`./dev check`: runs every checker and prints one line for each, then what fails: file:line, rule, what to do."""

import io
import sys
import time
import unittest

import check_bans
import check_format
import check_headers
import check_includes
import check_registered
import check_sizes
import check_tidy
import tree


def run_own_tests(root):
    """The checkers' own tests: a checker that cannot fail is none."""
    suite = unittest.defaultTestLoader.discover(str(root / "devtools"), pattern="*_test.py")
    outcome = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    if outcome.testsRun == 0:
        return ["devtools/checks_test.py:1: self: no test found"]
    return [f"devtools/checks_test.py:1: self: {test.id()} fails: {trace}"
            for test, trace in outcome.failures + outcome.errors]


def main():
    everything = sys.argv[1:] == ["--all"]
    checks = [
        ("self", run_own_tests),
        ("include table", check_includes.check),
        ("bans", check_bans.check),
        ("sizes", check_sizes.check),
        ("registered", check_registered.check),
        ("format", check_format.check),
        ("headers alone", check_headers.check),
        ("lint of all" if everything else "lint of changes", lambda root: check_tidy.check(root, everything)),
    ]
    failures = []
    for name, check in checks:
        start = time.monotonic()
        found = check(tree.ROOT)
        print(f"{name:16} {f'{len(found)} failed' if found else 'ok':10} {time.monotonic() - start:5.1f} s", flush=True)
        failures += found
    if failures:
        print("\n" + "\n".join(failures))
        print(f"\ncheck: {len(failures)} failures")
        sys.exit(1)


if __name__ == "__main__":
    main()
