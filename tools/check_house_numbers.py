#!/usr/bin/env python3
"""Checks the house numbers of CONTRIBUTING.md, so that they are facts and not wishes.

Hard limits fail: file 800 lines, function 80, 6 parameters, public header 200, nesting 3.
Soft limits (file 400, function 40) are reported with --soft.

Works on clang-formatted text, not on a parse: a function is what begins with a line that holds a
parameter list and ends in "{", and ends where "}" stands at the same indentation.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_SOFT, FILE_HARD = 400, 800
FUNCTION_SOFT, FUNCTION_HARD = 40, 80
HEADER_HARD = 200
MAX_PARAMETERS = 6
MAX_NESTING = 3

# Tables and generated files may be long; each says so in its first lines.
EXEMPT_MARK = "house-numbers: table"

NOT_A_FUNCTION = re.compile(
    r"^\s*(namespace|class|struct|enum|union|extern|if|else|for|while|switch|do|case|default|try"
    r"|catch|return|constexpr std::array|static constexpr)\b")
CONTROL = re.compile(r"^\s*(\}\s*else|if|for|while|switch|do)\b")
TEST_BODY = re.compile(r"^(TEST|TEST_F|TEST_P|TYPED_TEST|BENCHMARK\w*)\(")


def tracked_sources():
    out = subprocess.run(["git", "ls-files", "*.cc", "*.h", "*.cu"], cwd=ROOT, text=True,
                         capture_output=True, check=True).stdout
    return [ROOT / line for line in out.split() if (ROOT / line).exists()]


def signature_start(lines, end):
    """First line of the signature whose opening brace ends line `end`; None if it is none."""
    depth = 0
    for at in range(end, max(end - 14, -1), -1):
        depth += lines[at].count(")") - lines[at].count("(")
        if depth == 0:
            return at
    return None


def parameters(signature):
    """Number of parameters of the outermost parameter list that comes first."""
    begin = signature.find("(")
    depth, commas, seen = 0, 0, False
    for char in signature[begin:]:
        if char in "(<[{":
            depth += 1
        elif char in ")>]}":
            depth -= 1
            if depth == 0:
                break
        elif char == "," and depth == 1:
            commas += 1
        elif not char.isspace():
            seen = True
    return commas + 1 if seen else 0


def functions(lines):
    """Yields (first line, last line, signature); lines count from 0."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.rstrip().endswith("{") and ")" in line and not line.lstrip().startswith(("//", "*")):
            first = signature_start(lines, at)
            if first is not None and not NOT_A_FUNCTION.match(lines[first]):
                indent = len(lines[first]) - len(lines[first].lstrip())
                close = " " * indent + "}"
                last = next((i for i in range(at + 1, len(lines))
                             if lines[i].startswith(close) and not lines[i].startswith(close + " ")),
                            None)
                if last is not None:
                    yield first, last, " ".join(lines[first:at + 1])
                    at = last
        at += 1


def deepest_nesting(lines, first, last):
    """Most control statements inside each other, by indentation."""
    stack, deepest = [], 0
    for line in lines[first + 1:last]:
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        while stack and indent <= stack[-1]:
            stack.pop()
        if CONTROL.match(line) and line.rstrip().endswith("{"):
            stack.append(indent)
            deepest = max(deepest, len(stack))
    return deepest


def check_file(path):
    hard, soft = [], []
    lines = path.read_text().splitlines()
    name = path.relative_to(ROOT)
    if any(EXEMPT_MARK in line for line in lines[:12]):
        return hard, soft
    if len(lines) > FILE_HARD:
        hard.append(f"{name}: {len(lines)} lines, at most {FILE_HARD}")
    elif len(lines) > FILE_SOFT:
        soft.append(f"{name}: {len(lines)} lines, better {FILE_SOFT}")
    inner = {"internal", "isa", "arch", "commands"}
    public = path.suffix == ".h" and name.parts[0] == "src" and not inner & set(name.parts)
    if public and len(lines) > HEADER_HARD:
        hard.append(f"{name}: a public header of {len(lines)} lines, at most {HEADER_HARD}")
    for first, last, signature in functions(lines):
        where, length = f"{name}:{first + 1}", last - first + 1
        if length > FUNCTION_HARD:
            hard.append(f"{where}: a function of {length} lines, at most {FUNCTION_HARD}")
        elif length > FUNCTION_SOFT and not TEST_BODY.match(lines[first]):
            soft.append(f"{where}: a function of {length} lines, better {FUNCTION_SOFT}")
        count = parameters(signature)
        if count > MAX_PARAMETERS and not TEST_BODY.match(lines[first]):
            hard.append(f"{where}: {count} parameters, at most {MAX_PARAMETERS}")
        nesting = deepest_nesting(lines, first, last)
        if nesting > MAX_NESTING:
            hard.append(f"{where}: nesting of {nesting}, at most {MAX_NESTING}")
    return hard, soft


def main():
    hard, soft = [], []
    for path in tracked_sources():
        file_hard, file_soft = check_file(path)
        hard += file_hard
        soft += file_soft
    if "--soft" in sys.argv:
        print("\n".join(soft))
    print("\n".join(hard), end="\n" if hard else "")
    print(f"house numbers: {len(hard)} over a hard limit, {len(soft)} over a soft one")
    return 1 if hard else 0


if __name__ == "__main__":
    sys.exit(main())
