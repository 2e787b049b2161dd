"""What callgrind counted, by function, and the difference of two such counts. Pure."""

import re

from measure.folding import short_name

INSTRUCTIONS, SYSTEM_CALLS = "Ir", "sysCount"


def parse(text):
    """{event: {function: count}} of a callgrind.out file: what each function did itself. Reading the clock is no
    system call but under valgrind."""
    events, names, current, skip = [], {}, "unknown", False
    counts = {INSTRUCTIONS: {}, SYSTEM_CALLS: {}}
    for line in text.splitlines():
        if line.startswith("events:"):
            events = line.split()[1:]
        elif line.startswith(("fn=", "cfn=")):
            name = _named(line.partition("=")[2], names)
            if line.startswith("fn="):
                current = name
        elif line.startswith("calls="):
            skip = True  # the next line is what the callee did
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            if not skip:
                for event, count in zip(events, line.split()[1:]):
                    if event in counts and not (event == SYSTEM_CALLS and "clock_gettime" in current):
                        counts[event][current] = counts[event].get(current, 0) + int(count)
            skip = False
    return counts


def _named(text, names):
    """`(number) name` defines, `(number)` refers."""
    found = re.match(r"\((\d+)\)(?: (.*))?$", text)
    if not found:
        return short_name(text)
    if found[2]:
        # 'n is the n-th recursion of a function.
        names[found[1]] = short_name(re.sub(r"'\d+$", "", found[2]))
    return names.get(found[1], "unknown")


def per_message(less, more, messages):
    """[(function, count a message)], most first, of what `more` did beyond `less` with `messages` more messages."""
    functions = set(less) | set(more)
    found = [(name, (more.get(name, 0) - less.get(name, 0)) / messages) for name in functions]
    return sorted(found, key=lambda entry: (-entry[1], entry[0]))
