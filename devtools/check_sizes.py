#!/usr/bin/python3
"""The size ratchet: functions up to 70 lines, files up to 600. What devtools/size_ratchet.txt lists may be longer,
by the number given there, which may shrink and never grow. `--tighten` writes the shrunk numbers."""

import re
import sys
from pathlib import Path

import tree

MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 600
RATCHET = Path("devtools/size_ratchet.txt")
FILE_SUFFIXES = (".cc", ".h", ".py", ".sh", ".ts", ".tsx", ".js", ".mjs", ".cmake")
CONTROL = {"if", "for", "while", "switch", "catch", "else", "do", "try", "return", "constexpr"}
# What opens a brace that holds declarations, not statements.
SCOPE = re.compile(r'\b(?:namespace|class|struct|union|enum)\b')


def head_of_function(head):
    """The name in the text before `{` if that begins a function, else None."""
    head = re.sub(r"\s+", " ", head).strip()
    head = re.sub(r"^(?:(?:public|private|protected) ?: ?|template ?<[^{;]*?> ?(?=\w))*", "", head)
    opened = head.find("(")
    if opened < 0 or head.endswith(("=", ",")):
        return None
    before = head[:opened].rstrip()
    if "=" in re.sub(r"operator ?[=!<>+*/&|^%-]*=", "operator", before):
        # A lambda kept in a variable counts under the variable's name.
        name = re.search(r"([\w~]+)\s*=\s*\[", before)
        return name[1] if name else None
    name = re.search(r"(operator ?\S+|~?[A-Za-z_][\w:~]*)$", before)
    if not name or name[1] in CONTROL or SCOPE.search(before):
        return None
    if name[1].isupper():  # TEST(Suite, name) { ... }
        inside = re.match(r"\(([^()]*)\)", head[opened:])
        return f"{name[1]}({re.sub(' ?, ?', '.', inside[1])})" if inside else name[1]
    return name[1]


def functions(text):
    """(name, first line, number of lines) of every outermost function body in C++ `text`."""
    code = re.sub(r"^[ \t]*#.*(?:\\\n.*)*", "", tree.strip_cpp(text), flags=re.MULTILINE)
    found, depth, head_start, current = [], 0, 0, None
    for at, char in enumerate(code):
        if char == "{":
            if current is None:
                name = head_of_function(code[head_start:at])
                if name:
                    begin = head_start + len(code[head_start:at]) - len(code[head_start:at].lstrip())
                    current = (name, code.count("\n", 0, begin) + 1, depth)
            depth += 1
            head_start = at + 1
        elif char == "}":
            depth -= 1
            if current and current[2] == depth:
                last = code.count("\n", 0, at) + 1
                found.append((current[0], current[1], last - current[1] + 1))
                current = None
            head_start = at + 1
        elif char == ";" and current is None:
            head_start = at + 1
    return found


def measure(root):
    """{entry: (file, line, number of lines, limit)} of everything over its limit."""
    over = {}
    for path in tree.walk(root, *FILE_SUFFIXES):
        text = tree.read(root, path)
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            over[str(path)] = (path, 1, lines, MAX_FILE_LINES)
        if path.suffix in (".cc", ".h"):
            for name, line, length in functions(text):
                if length > MAX_FUNCTION_LINES:
                    key = f"{path}:{name}"
                    while key in over:
                        key += "'"
                    over[key] = (path, line, length, MAX_FUNCTION_LINES)
    return over


def ratchet(root):
    """{entry: (allowed lines, line of the list)}."""
    entries = {}
    if (Path(root) / RATCHET).is_file():
        for number, line in enumerate(tree.read(root, RATCHET).splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                entry, lines = line.rsplit(maxsplit=1)
                entries[entry] = (int(lines), number)
    return entries


def check(root):
    over, entries, failures = measure(root), ratchet(root), []
    for entry, (path, line, lines, limit) in over.items():
        what = "function" if limit == MAX_FUNCTION_LINES else "file"
        if entry not in entries:
            failures.append(f"{path}:{line}: size: {what} {entry.rsplit(':', 1)[-1]} has {lines} lines (limit {limit}); "
                            "split it")
        elif lines > entries[entry][0]:
            failures.append(f"{path}:{line}: size: {what} {entry.rsplit(':', 1)[-1]} grew from {entries[entry][0]} to "
                            f"{lines} lines; what is on the ratchet may only shrink: split it")
    for entry, (lines, number) in entries.items():
        if entry not in over or over[entry][2] < lines:
            failures.append(f"{RATCHET}:{number}: size: {entry} shrank; run devtools/check_sizes.py --tighten")
    return failures


def tighten(root):
    over = measure(root)
    kept = []
    for line in tree.read(root, RATCHET).splitlines():
        if line.strip() and not line.startswith("#"):
            entry, lines = line.rsplit(maxsplit=1)
            if entry not in over:
                continue
            line = f"{entry} {min(int(lines), over[entry][2])}"
        kept.append(line)
    (Path(root) / RATCHET).write_text("\n".join(kept) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--tighten"]:
        tighten(tree.ROOT)
    tree.main(check)
