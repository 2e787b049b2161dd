"""What every checker needs: the source tree, a way to report, and a cache of what passed before."""

import hashlib
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPP_FOLDERS = ("src", "include", "embedded", "sim", "tests", "bench", "fuzz", "cmake")
SKIPPED_FOLDERS = {"build", ".git", "node_modules", "__pycache__", "martlet-data"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def walk(root, *suffixes, under=(".",)):
    """The tree's own files with one of `suffixes` (none: all), as paths relative to `root`, sorted."""
    found = []
    for start in under:
        for folder, folders, names in os.walk(Path(root) / start):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            found += [Path(folder) / name for name in names if not suffixes or name.endswith(suffixes)]
    return sorted(path.relative_to(root) for path in found if path.is_file() and not path.is_symlink())


def cpp_files(root):
    return walk(root, ".cc", ".h", under=CPP_FOLDERS)


def read(root, path):
    return (Path(root) / path).read_text(encoding="utf-8", errors="replace")


def includes(text):
    """(line number, "<" or '"', name) of every #include."""
    return [(text.count("\n", 0, m.start()) + 1, m[1], m[2]) for m in INCLUDE.finditer(text)]


def own_include(root, path, name):
    """The tree's file that `#include "name"` in `path` means, or None."""
    for base in (Path("src"), Path("include"), Path(path).parent, Path("cmake/build_info"), Path(".")):
        candidate = Path(os.path.normpath(base / name))
        if (Path(root) / candidate).is_file():
            return candidate
    return None


def closure(root, path, known=None):
    """`path` and all files of the tree that it includes, directly or not."""
    seen, waiting = set(), [Path(path)]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        if known is None or current not in known:
            text = read(root, current)
            direct = [own_include(root, current, name) for _, _, name in includes(text)]
            direct = [found for found in direct if found]
            if known is not None:
                known[current] = direct
        else:
            direct = known[current]
        waiting += direct
    return seen


_LITERALS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\s\\]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


def strip_cpp(text):
    """`text` with comments blanked and literals emptied; line numbers stay."""

    def blank(match):
        found = match[0]
        lines = "\n" * found.count("\n")
        if found.startswith("/"):
            return " " + lines
        return ("''" if found.startswith("'") else '""') + lines

    return _LITERALS.sub(blank, text)


def compile_database(root):
    """{relative source path: compile command} of the release build; empty if it is not configured."""
    file = Path(root) / "build/release/compile_commands.json"
    if not file.is_file():
        return {}
    commands = {}
    for entry in json.loads(file.read_text()):
        path = Path(entry["file"])
        if path.is_relative_to(root):
            commands[path.relative_to(root)] = entry["command"]
    return commands


class Passed:
    """Remembers by content what passed, so that an unchanged file is not checked again."""

    def __init__(self, root, name):
        self.file = Path(root) / "build/check" / f"{name}.json"
        try:
            self.before = set(json.loads(self.file.read_text()))
        except (OSError, ValueError):
            self.before = set()
        self.now = set()

    @staticmethod
    def key(*parts):
        return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()

    def has(self, key):
        if key in self.before:
            self.now.add(key)
        return key in self.before

    def add(self, key):
        self.now.add(key)

    def save(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        # What other branches passed is kept within a bound.
        kept = list(self.now) + sorted(self.before - self.now)[: max(0, 5000 - len(self.now))]
        self.file.write_text(json.dumps(kept))


def main(check):
    """Runs one checker by itself: `check(ROOT)` gives failure lines."""
    failures = check(ROOT)
    print("\n".join(failures) if failures else "ok")
    sys.exit(1 if failures else 0)
