#!/usr/bin/python3
"""clang-tidy on the sources that changed since origin/main (if that is this commit, since the one before), or on all.
What passed once is not checked again until it, a header of it, or .clang-tidy changes."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree

TIDY = "clang-tidy-16"


def git(root, *arguments):
    done = subprocess.run(["git", *arguments], cwd=root, text=True, capture_output=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def changed_files(root):
    """Paths that differ from the base commit, uncommitted ones included."""
    head = git(root, "rev-parse", "HEAD")
    base = git(root, "merge-base", "HEAD", "origin/main")
    if not base or base == head:
        base = git(root, "rev-parse", "--verify", "--quiet", "HEAD~1")
    listed = git(root, "diff", "--name-only", base) if base else git(root, "ls-files")
    untracked = git(root, "ls-files", "--others", "--exclude-standard")
    return {Path(line) for line in (listed + "\n" + untracked).splitlines() if line}


def sources_to_check(root, everything):
    """Sources (no tests) that changed or whose own header did."""
    changed = changed_files(root)
    for source in tree.compile_database(root):
        if source.parts[0] != "src" or source.name.endswith("_test.cc") or not (Path(root) / source).is_file():
            continue
        if everything or source in changed or source.with_suffix(".h") in changed:
            yield source


def tidy(root, source):
    """Failure lines of one source."""
    done = subprocess.run([TIDY, "--quiet", "-p", "build/release", str(source)], cwd=root, text=True, capture_output=True)
    failures = []
    for path, line, what, rule in re.findall(r"^(\S+?):(\d+):\d+: (?:error|warning): (.*) \[([^\]]+)\]$", done.stdout,
                                             flags=re.MULTILINE):
        rule = rule.replace(",-warnings-as-errors", "")
        failures.append(f"{os.path.relpath(path, root)}:{line}: tidy: {what} [{rule}]")
    if done.returncode != 0 and not failures:
        failures.append(f"{source}:1: tidy: {TIDY} failed: {(done.stderr or done.stdout)[-500:]}")
    return failures


def check(root, everything=False):
    commands = tree.compile_database(root)
    passed, known, waiting = tree.Passed(root, "tidy"), {}, []
    settings = tree.read(root, ".clang-tidy")
    sources = list(sources_to_check(root, everything))
    if not sources:
        print("no source changed since the base commit: nothing to lint (--all: all of them)")
    for source in sources:
        texts = [tree.read(root, path) for path in sorted(tree.closure(root, source, known))]
        key = tree.Passed.key(source, settings, commands[source].replace(str(root), ""), *texts)
        if not passed.has(key):
            waiting.append((source, key))
    failures = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(lambda job: tidy(root, job[0]), waiting)
        for (_, key), found in zip(waiting, outcomes):
            failures += found
            if not found:
                passed.add(key)
    passed.save()
    # A finding in a header shows up once for each source that includes it.
    return sorted(set(failures))


if __name__ == "__main__":
    tree.main(check)
