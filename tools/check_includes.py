#!/usr/bin/env python3
"""Checks that rooms include only what docs/ARCHITECTURE.md lets them.

The table of rooms there is the single source: its rows begin "| `room` |" and their third column
lists the rooms that may be included, directly; what those may include is allowed too. Headers in
another room's internal/ folder are never allowed.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "ARCHITECTURE.md"
ROW = re.compile(r"^\| `([a-z/]+)` \|[^|]*\| ([^|]*) \|")
INCLUDE = re.compile(r'^\s*#include "([^"]+)"')


def read_table():
    rooms = {}
    for line in TABLE.read_text().splitlines():
        match = ROW.match(line)
        if match:
            listed = match.group(2).strip()
            rooms[match.group(1)] = [] if listed == "-" else [r.strip() for r in listed.split(",")]
    every = list(rooms)
    return {room: (every if uses == ["all"] else uses) for room, uses in rooms.items()}


def closure(rooms, room):
    """The room itself and everything that it reaches."""
    seen, todo = set(), [room]
    while todo:
        current = todo.pop()
        if current not in seen:
            seen.add(current)
            todo += rooms.get(current, [])
    return seen


def room_of(path, rooms):
    """The room with the longest name that `path` (relative to src/) lies in."""
    fitting = [room for room in rooms if path.startswith(room + "/")]
    return max(fitting, key=len, default=None)


def is_test(path):
    """Tests may reach wherever they need to."""
    return path.stem.endswith("_test") or "testing" in path.parts


def check(rooms):
    errors = []
    allowed = {room: closure(rooms, room) for room in rooms}
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cc", ".cu", ".inc") or is_test(path):
            continue
        name = path.relative_to(ROOT / "src").as_posix()
        room = room_of(name, rooms)
        if room is None:
            errors.append(f"src/{name}: lies in no room of {TABLE.relative_to(ROOT)}")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            target = room_of(match.group(1), rooms) if match else None
            if target is None:
                continue
            where = f"src/{name}:{number}: {room} includes {match.group(1)}"
            if target not in allowed[room]:
                errors.append(f"{where}, but may not include {target}")
            elif target != room and "/internal/" in match.group(1):
                errors.append(f"{where}, which is internal to {target}")
    return errors


def main():
    rooms = read_table()
    if len(rooms) < 10:
        print(f"{TABLE}: the table of rooms was not found")
        return 1
    errors = check(rooms)
    print("\n".join(errors), end="\n" if errors else "")
    print(f"includes: {len(errors)} against the table of {len(rooms)} rooms")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
