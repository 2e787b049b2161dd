#!/usr/bin/python3
"""What may not appear where: system calls and clocks outside env, threads and streams in the core, leftovers
anywhere. An exception is a line in devtools/ban_exceptions.txt with its reason."""

import re
from pathlib import Path

import tree

CORE_ROOMS = ("base", "wire", "topic", "session", "broker")
EXCEPTIONS = Path("devtools/ban_exceptions.txt")

SYSTEM_HEADERS = (r"sys/.*|unistd\.h|fcntl\.h|poll\.h|netdb\.h|arpa/.*|netinet/.*|net/if.*|signal\.h|csignal|dirent\.h|"
                  r"pthread\.h|sched\.h|ifaddrs\.h|termios\.h|pwd\.h|linux/.*|time\.h|filesystem|fstream")
# Rule name -> (pattern on code without comments and literals, what to do).
DOOR_CALLS = {
    "clock": (r"\b(?:system|steady|high_resolution)_clock\b|\b(?:gettimeofday|clock_gettime|localtime(?:_r)?)\s*\(|"
              r"(?:(?<![\w.>:])|\bstd::)time\s*\(\s*(?:nullptr|NULL|0|&)",
              "take `now` as an argument, or ask env's clock"),
    "sleep": (r"\bthis_thread::sleep|(?<![\w.>:])(?:sleep|usleep|nanosleep)\s*\(", "return a deadline instead"),
    "entropy": (r"\bgetrandom\b|\brandom_device\b|(?<![\w.>:])s?rand\s*\(", "take a seed, or ask env"),
    "files": (r"(?<![\w.>:])(?:std::)?(?:fopen|freopen|tmpfile)\s*\(|\bstd::[io]?fstream\b|\bstd::filesystem\b",
              "read and write files through env"),
    "environment": (r"\b(?:getenv|setenv)\s*\(", "read it in main, through env"),
    "process": (r"(?<![\w.>:])(?:std::)?(?:system|popen|fork|signal)\s*\(", "go through env"),
}
# Tests of the outer rooms play the peer with real sockets and files, but wait for no clock.
TESTS_MAY = ("files", "process", "environment")
CORE_HEADERS = (r"thread|mutex|shared_mutex|condition_variable|future|semaphore|barrier|latch|iostream|ostream|"
                r"istream|sstream")
CORE_CALLS = {
    "exceptions": (r"\bthrow\b|\btry\s*\{|\bcatch\s*\(", "return a Result or a reason code: the core throws nothing"),
}
CODE_RULES = {
    "namespace": (r"\busing\s+namespace\s+std\s*;", "name what is used"),
    "assert": (r"(?<![\w.>:])assert\s*\(", "use check() of base/check.h: it holds in release builds too"),
}
TEXT_RULES = {
    "leftover": (r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b", "do it, or file an issue and say here what holds today"),
    "machine path": (r"(?<![\w./$}-])/(?:home/\w+|root/|work/|Users/\w+|opt/\w)", "name no path of one machine"),
}
TEXT_SUFFIXES = (".cc", ".h", ".in", ".py", ".sh", ".ts", ".tsx", ".js", ".mjs", ".cmake", ".txt", ".md", ".json", ".toml",
                 ".yml", ".html", ".css")


def exceptions(root):
    """{(path or folder, rule)} and the failure lines of the file itself."""
    found, failures = {}, []
    if not (Path(root) / EXCEPTIONS).is_file():
        return found, failures
    for number, line in enumerate(tree.read(root, EXCEPTIONS).splitlines(), 1):
        words = line.split(maxsplit=2)
        if not words or line.startswith("#"):
            continue
        if len(words) < 3:
            failures.append(f"{EXCEPTIONS}:{number}: bans: an exception is PATH RULE REASON; give the reason")
            continue
        found[(words[0].rstrip("/"), words[1])] = number
    return found, failures


class Report:
    def __init__(self, allowed):
        self.allowed, self.used, self.failures = allowed, set(), []

    def add(self, path, line, rule, what, remedy):
        for name in (str(path), *map(str, path.parents)):
            if (name, rule) in self.allowed:
                self.used.add((name, rule))
                return
        self.failures.append(f"{path}:{line}: bans: {rule}: {what.strip()!r}; {remedy}")

    def match(self, path, text, rules):
        for rule, (pattern, remedy) in rules.items():
            for found in re.finditer(pattern, text):
                self.add(path, text.count("\n", 0, found.start()) + 1, rule, found[0], remedy)


def is_test(path):
    """A test, or what only tests include."""
    return path.name.endswith("_test.cc") or path.name.startswith("test_") or "testing" in path.parts


def check_cpp(root, path, report):
    text = tree.read(root, path)
    code = tree.strip_cpp(text)
    in_src = path.parts[0] in ("src", "include", "sim")
    room = path.parts[1] if path.parts[0] == "src" and len(path.parts) > 2 else None
    report.match(path, code, CODE_RULES)
    if path.suffix == ".h" and "#pragma once" not in code:
        report.add(path, 1, "header guard", path.name, "begin it with #pragma once")
    if not in_src:
        return
    test = is_test(path)
    if room != "env":
        report.match(path, code, {rule: DOOR_CALLS[rule] for rule in DOOR_CALLS if not (test and rule in TESTS_MAY)})
    for line, kind, name in tree.includes(text):
        if kind != "<":
            continue
        if room != "env" and not (test and room not in CORE_ROOMS) and re.fullmatch(SYSTEM_HEADERS, name):
            report.add(path, line, "system header", name, "only env makes system calls")
        if room in CORE_ROOMS and not test and re.fullmatch(CORE_HEADERS, name):
            report.add(path, line, "core-header", name, f"{room} has no thread and no stream: return an effect")
    if room in CORE_ROOMS and not test:
        report.match(path, code, CORE_CALLS)


def check(root):
    allowed, failures = exceptions(root)
    report = Report(allowed)
    for path in tree.cpp_files(root):
        check_cpp(root, path, report)
    for path in tree.walk(root, *TEXT_SUFFIXES) + tree.walk(root, "dev", "run"):
        report.match(path, tree.read(root, path), TEXT_RULES)
    for key in sorted(set(allowed) - report.used):
        failures.append(f"{EXCEPTIONS}:{allowed[key]}: bans: {key[0]} no longer needs '{key[1]}'; remove the line")
    return failures + report.failures


if __name__ == "__main__":
    tree.main(check)
