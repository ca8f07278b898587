#!/usr/bin/env python3
"""Says how a GGUF file fits the architectures that chasqui knows, best first.

For a file of a known architecture: its table alone, with everything that is missing. For one of an
unknown architecture: which tables come near, and what they lack, as a start for a new one
(docs/adding-an-architecture.md).

    tools/check_architecture.py MODEL.gguf [--chasqui build/release/bin/chasqui] [--best 3]
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def check(binary, model, table=None):
    """Exit code and output of `chasqui check`."""
    command = [binary, "check", model] + (["--as", table] if table else [])
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def numbers(output):
    """(fitting, problems, unknown tensors) of a report, or None where there is none."""
    found = re.search(r": (\d+) tensors fit, (\d+) problems, (\d+) tensors and", output)
    return tuple(int(number) for number in found.groups()) if found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--chasqui", default=str(ROOT / "build/release/bin/chasqui"), help="the program to ask")
    parser.add_argument("--best", type=int, default=3, help="how many tables to show for an unknown architecture")
    args = parser.parse_args()

    code, output = check(args.chasqui, args.model)
    if "there is no table" not in output:
        print(output, end="")
        sys.exit(code)
    names = output.split("there are:")[1].strip().split(", ")
    reports = []
    for name in names:
        _, report = check(args.chasqui, args.model, name)
        if numbers(report):
            fitting, problems, unknown = numbers(report)
            reports.append((problems + unknown, -fitting, name, report))
    reports.sort()
    print(output.strip())
    for _, _, name, report in reports[: args.best]:
        print(f"\n--- as {name}\n{report}", end="")
    sys.exit(1)


if __name__ == "__main__":
    main()
