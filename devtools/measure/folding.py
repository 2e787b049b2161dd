"""Stacks as `perf script` prints them, folded: how often each stack was seen. Names shortened for people. Pure."""

import re
from collections import Counter

KERNEL = " [k]"  # marks a frame of the kernel
_OPEN, _CLOSE = "<(", ">)"


def short_name(name):
    """Without parameters, template arguments, return type and our own namespace."""
    name = name.replace("(anonymous namespace)::", "").replace("operator()", "operator\0")
    name = re.sub(r"operator(<=>|<<=?|>>=?|->\*?|<=|>=|<|>)(?=\()",
                  lambda found: "operator" + found[1].replace("<", "\1").replace(">", "\2"), name)
    kept, depth = [], 0
    for char in name:
        if char in _OPEN:
            depth += 1
        elif char in _CLOSE and depth > 0:
            depth -= 1
        elif depth == 0:
            kept.append(char)
    name = "".join(kept).replace("\0", "()").replace("\1", "<").replace("\2", ">")
    name = re.sub(r"(?: const| volatile|&|\[clone [^]]*\])+$", "", name).strip()
    if "operator" not in name:
        name = name.rsplit(" ", 1)[-1]
    return name.replace("martlet::", "") or "unknown"


def fold(text):
    """Counter of stacks, as tuples from the outermost frame to the innermost, in the output of
    `perf script -F comm,ip,sym,dso`."""
    stacks, frames = Counter(), []
    for line in [*text.splitlines(), ""]:
        if line.startswith((" ", "\t")) and line.strip():
            frames.append(_frame(line))
        elif not line.strip():
            if frames:
                stacks[tuple(reversed(frames))] += 1
            frames = []
    return stacks


def _frame(line):
    found = re.match(r"\s*[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)? \(([^()]*|\(.*\))\)$", line.rstrip())
    if not found:
        return "unknown"
    name, origin = found[1], found[2]
    if name == "[unknown]":
        name = f"[{origin.rsplit('/', 1)[-1]}]" if origin != "[unknown]" else "unknown"
    elif "kernel" in origin or origin.endswith(".ko"):
        return name + KERNEL
    return short_name(name) if not name.startswith("[") else name


def to_text(stacks):
    """The common text form: `outer;inner count` a line."""
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(stacks.items()))


def self_counts(stacks):
    """Samples in which a function itself ran."""
    counts = Counter()
    for stack, count in stacks.items():
        counts[stack[-1]] += count
    return counts


def total_counts(stacks):
    """Samples in which a function or what it called ran."""
    counts = Counter()
    for stack, count in stacks.items():
        for name in set(stack):
            counts[name] += count
    return counts


def kernel_share(stacks):
    """Part of the samples that were in the kernel."""
    total = sum(stacks.values())
    return sum(count for stack, count in stacks.items() if stack[-1].endswith(KERNEL)) / total if total else 0
