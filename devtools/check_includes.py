#!/usr/bin/python3
"""The include table: which room may include which (ARCHITECTURE.md, "Rooms"), no cycle between modules, doors that
stay narrow. A file's room is its folder in src/."""

from pathlib import Path

import tree

# Room -> what its files may include besides themselves: a room, a folder of one, or one header of it.
ALLOWED = {
    "base": [],
    "wire": ["base"],
    "topic": ["base"],
    "env": ["base"],
    "session": ["base", "wire"],
    "store": ["base", "env"],
    "net": ["base", "env"],
    "broker": ["base", "session", "topic", "wire"],
    # env: a client's driver hands its session the time. topic: what is no topic is refused before it is sent.
    "client": ["base", "session", "topic", "wire", "net", "store", "env", "include/martlet"],
    # topic: rules match filters. env: files.
    "auth": ["base", "env", "topic", "wire", "broker/ports.h", "broker/records.h"],
    "cluster": ["base", "broker/ports.h", "broker/records.h", "net"],
    "admin": ["base", "broker/ports.h", "broker/records.h", "net"],
    "server": ["base", "wire", "topic", "env", "session", "store", "net", "broker", "client", "auth", "cluster",
               "admin", "tools", "build_info.h"],
    # env: standard input, files and signals are read through it and nothing else.
    "tools": ["base", "client", "topic", "wire", "store", "env", "build_info.h"],
    # The whole of one core, but no system: what is real below it is simulated.
    "sim": ["base", "wire", "session", "broker", "store", "env/clock.h", "env/sim", "server/core_loop.h",
            "server/durable"],
    "embedded": [],
}
# Headers that outer rooms include instead of the whole room: what they pull in of their own room is narrow too.
DOORS = {"broker": ("ports.h", "records.h", "log.h")}
# Folders whose programs look at everything.
OPEN = ("tests", "bench", "fuzz", "cmake")


def room_of(path):
    parts = Path(path).parts
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else None
    return parts[0]


def allowed(room, target):
    """True if a file of `room` may include the tree's file `target`."""
    parts = target.parts[1:] if target.parts[0] == "src" else target.parts
    name = parts[-1] if target.parts[0] == "cmake" else "/".join(parts)
    if parts[0] == room:
        return True
    return any(name == entry or name.startswith(entry + "/") for entry in ALLOWED[room])


def check_table(root, files):
    failures = []
    for path in files:
        room = room_of(path)
        if room in OPEN or room == "include":
            continue
        if room not in ALLOWED:
            failures.append(f"{path}:1: includes: no room '{room}' in the table; add a row to devtools/check_includes.py")
            continue
        for line, _, name in tree.includes(tree.read(root, path)):
            target = tree.own_include(root, path, name)
            if target and not allowed(room, target):
                may = ", ".join(ALLOWED[room]) or "nothing else"
                failures.append(f"{path}:{line}: includes: {room} may not include {name} (it may: {may}); move the "
                                "type inward or pass it through a port")
            if target and target.parts[0] == "src" and not name.startswith(target.parts[1] + "/"):
                failures.append(f'{path}:{line}: includes: write it from src/: "{"/".join(target.parts[1:])}"')
    return failures


def check_doors(root, files):
    failures = []
    for room, doors in DOORS.items():
        for path in files:
            if path.parts[:2] != ("src", room) or path.name not in doors:
                continue
            for line, _, name in tree.includes(tree.read(root, path)):
                target = tree.own_include(root, path, name)
                if target and room_of(target) == room and target.name not in doors:
                    failures.append(f"{path}:{line}: includes: a door of {room} pulls in {name}; only "
                                    f"{' and '.join(doors)} of {room} may be seen from outside")
    return failures


def check_cycles(root, files):
    """A module is x.h with x.cc: no two of them may need each other."""
    edges = {}
    for path in files:
        if path.name.endswith("_test.cc"):
            continue
        module = path.with_suffix("")
        for line, _, name in tree.includes(tree.read(root, path)):
            target = tree.own_include(root, path, name)
            if target and target.with_suffix("") != module:
                edges.setdefault(module, {})[target.with_suffix("")] = (path, line)
    failures, state = [], {}

    def visit(module, trail):
        state[module] = "open"
        for target, (path, line) in sorted(edges.get(module, {}).items()):
            if state.get(target) == "open":
                loop = trail[trail.index(target):] + [target]
                failures.append(f"{path}:{line}: includes: a cycle of modules: {' -> '.join(map(str, loop))}; move "
                                "what both need to a third")
            elif target not in state:
                visit(target, trail + [target])
        state[module] = "done"

    for module in sorted(edges):
        if module not in state:
            visit(module, [module])
    return failures


def check(root):
    files = tree.cpp_files(root)
    return check_table(root, files) + check_doors(root, files) + check_cycles(root, files)


if __name__ == "__main__":
    tree.main(check)
