#!/usr/bin/python3
"""Every header compiles alone. A header that its own source includes first is proved by the build; the others are
compiled here, once for each content."""

import os
import shlex
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree

# Flags of a compile command that say what to do, not how to read the source; and the one that headers for tests, which
# include RapidCheck, cannot be read with (`throw` in the core is banned by check_bans.py too).
DROPPED = {"-c", "-o", "-MD", "-MT", "-MF", "-fno-exceptions"}
WITH_VALUE = {"-o", "-MT", "-MF"}


def reading_flags(command):
    words, kept = shlex.split(command), []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in DROPPED:
            skip = word in WITH_VALUE
        elif not word.endswith(".cc") and not word.endswith("ccache"):
            kept.append(word)
    return kept


def proved_by_source(root, header):
    source = header.with_suffix(".cc")
    if not (Path(root) / source).is_file():
        return False
    first = next(iter(tree.includes(tree.read(root, source))), None)
    return first is not None and tree.own_include(root, source, first[2]) == header


def flags_for(header, commands):
    """The flags of a source in the nearest folder that has one."""
    for folder in header.parents:
        for source, command in sorted(commands.items()):
            if source.is_relative_to(folder):
                return reading_flags(command)
    return None


def compile_alone(root, header, flags):
    """Empty if it compiles, else a failure line."""
    with tempfile.NamedTemporaryFile("w", suffix=".cc") as source:
        source.write(f'#include "{Path(root) / header}"\n')
        source.flush()
        done = subprocess.run([*flags, "-fsyntax-only", source.name], cwd=root, text=True, capture_output=True,
                              env={**os.environ, "LC_ALL": "C"})
    if done.returncode == 0:
        return ""
    error = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:300])
    error = error.replace(f"{root}{os.sep}", "")
    return f"{header}:1: headers: does not compile alone; include what it uses. First error: {error}"


def check(root):
    commands = tree.compile_database(root)
    if not commands:
        return ["build/release:1: headers: not configured; run ./dev check"]
    passed, known, waiting = tree.Passed(root, "headers"), {}, []
    for header in tree.cpp_files(root):
        if header.suffix != ".h" or header.parts[0] == "cmake" or proved_by_source(root, header):
            continue
        flags = flags_for(header, commands)
        if flags is None:
            continue
        texts = [tree.read(root, path) for path in sorted(tree.closure(root, header, known))]
        key = tree.Passed.key(header, *flags, *texts)
        if not passed.has(key):
            waiting.append((header, flags, key))
    failures = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(lambda job: compile_alone(root, job[0], job[1]), waiting)
        for (_, _, key), failure in zip(waiting, outcomes):
            if failure:
                failures.append(failure)
            else:
                passed.add(key)
    passed.save()
    return failures


if __name__ == "__main__":
    tree.main(check)
