#!/usr/bin/env python3
"""Guards the speed of kernels and text code where wall time cannot: by instructions, which do not depend on the
machine or on what runs beside.

    run.py BUILD_FOLDER            fails when anything takes more than counts.tsv and loops.tsv allow
    run.py BUILD_FOLDER --update   writes what it takes now into the tables

counts.py runs fixed work under callgrind (below AVX-512, which valgrind does not know); loops.py reads the loops
of the AVX-512 products. The tables are of one compiler: with another major version only what both know is
compared, and LOOSE more is allowed.
"""
import argparse
import pathlib
import sys

import counts
import loops

FOLDER = pathlib.Path(__file__).parent
TIGHT, LOOSE = 0.05, 0.40
PARTS = {"counts.tsv": counts, "loops.tsv": loops}


def read_table(path):
    """(compiler, {name: allowed}); empty when there is none yet."""
    if not path.exists():
        return "", {}
    first, *rows = path.read_text().splitlines()
    fields = (row.split("\t") for row in rows if not row.startswith("#"))
    return first.removeprefix("# compiler: "), {name: float(allowed) for name, allowed in fields}


def write_table(path, compiler, what, measured):
    rows = [f"{name}\t{value:.4g}\n" for name, value in measured.items()]
    path.write_text(f"# compiler: {compiler}\n# {what} Written by run.py --update.\n" + "".join(rows))


def judge(path, compiler, measured, spoiled):
    """Prints what is wrong; returns (passed, failed)."""
    known_compiler, allowed = read_table(path)
    same = compiler.split(".")[0] == known_compiler.split(".")[0]
    if not same:
        print(f"{path.name} is of compiler {known_compiler}, this is {compiler}: {LOOSE:.0%} more is allowed")
    tolerance = TIGHT if same else LOOSE
    wrong = []
    for name in measured.keys() & allowed.keys():
        more = measured[name] / allowed[name] - 1
        if more > tolerance:
            wrong.append(f"SLOWER  {name}: {measured[name]:.4g} instructions instead of {allowed[name]:.4g}, {more:+.0%}")
        elif same and more < -2 * TIGHT:
            print(f"better  {name}: {measured[name]:.4g} instead of {allowed[name]:.4g}; --update keeps it so")
    if same:
        wrong += spoiled
        wrong += [f"NEW     {name}: --update puts it into {path.name}" for name in measured.keys() - allowed.keys()]
        wrong += [f"GONE    {name}: --update takes it out of {path.name}" for name in allowed.keys() - measured.keys()]
    print("\n".join(sorted(wrong)), end="\n" if wrong else "")
    return len(measured.keys() & allowed.keys()) - sum(w.startswith("SLOWER") for w in wrong), len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="build/release")
    parser.add_argument("--update", action="store_true", help="what there is now becomes what is allowed")
    args = parser.parse_args()
    passed = failed = 0
    for name, part in PARTS.items():
        compiler, measured, spoiled = part.measure(args.build)
        if args.update:
            write_table(FOLDER / name, compiler, part.UNIT, measured)
        good, bad = judge(FOLDER / name, compiler, measured, spoiled)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
