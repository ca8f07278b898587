#!/usr/bin/env python3
"""Speed of the engine on random-weight models, beside this machine's limits and beside a peer.

    ./dev bench                                      chasqui alone
    ./dev bench --peer 'python3 path/to/peer_bench.py'   with a peer in the same run

Both programs take the model's path as their first argument and print JSON lines with what, tokens or
sequences, best and median (tokens per second); `chasqui bench --json` is one of them, bench/README.md
names others. Rounds alternate (A B A B ...), so that a drift of the machine meets both; figures are the
best and the median over all rounds. Results go to standard output as a table and, with --out, as JSON lines.
"""
import argparse
import json
import pathlib
import shlex
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/bin/chasqui"
MODELS = ROOT / "build/bench-models"


def random_model(shape, format_name):
    """The path of a model of that shape and format; written once, kept in build/."""
    MODELS.mkdir(parents=True, exist_ok=True)
    path = MODELS / f"{shape}-{format_name}.gguf"
    if not path.exists():
        subprocess.run([BINARY, "make-random", path, "--shape", shape, "--format", format_name], check=True)
    return path


def measure(command):
    """The JSON lines of one run, keyed by what was measured."""
    out = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    rows = {}
    for line in out.splitlines():
        row = json.loads(line)
        rows[(row["what"], row.get("tokens") or row.get("sequences", 1))] = row
    return rows


def commands(args, model):
    ours = [BINARY, "bench", model, "--json", "-p", args.prefill, "-n", args.decode, "--batch", args.batch,
            "--depth", args.depth, "-t", args.threads, "--repeats", 1]
    yield "chasqui", list(map(str, ours))
    if args.peer:
        batch = ",".join(b for b in args.batch.split(",") if b != "1")
        theirs = [*shlex.split(args.peer), model, "--prefill", args.prefill, "--decode", args.decode,
                  "--batch", batch, "--depth", args.depth, "--threads", args.threads, "--reps", 1]
        yield "peer", list(map(str, theirs))


def compare(args, model):
    """{key: {engine: [rates]}}, and the limit that chasqui measured for each key."""
    rates, limits = {}, {}
    for _ in range(args.rounds):
        for engine, command in commands(args, model):
            for key, row in measure(command).items():
                rates.setdefault(key, {}).setdefault(engine, []).append(row["best"])
                if "limit" in row:
                    limits[key] = max(limits.get(key, 0), row["limit"]["tokens_per_s"])
    return rates, limits


def report(args, shape, format_name, rates, limits, out):
    for key in sorted(rates):
        row = {"model": shape, "format": format_name, "what": key[0], "count": key[1], "depth": args.depth,
               "threads": args.threads, "rounds": args.rounds, "limit": limits.get(key)}
        for engine, values in rates[key].items():
            row[engine] = {"best": max(values), "median": statistics.median(values)}
        if "peer" in row and "chasqui" in row:
            row["ratio"] = row["chasqui"]["median"] / row["peer"]["median"]
        print("{:<8} {:<8} {:>6}  chasqui {:>8.1f} (limit {:>7.1f})  {}".format(
            format_name, key[0], key[1], row["chasqui"]["median"], limits.get(key, 0),
            "peer {:>8.1f}  ratio {:.2f}".format(row["peer"]["median"], row["ratio"]) if "ratio" in row else ""),
            flush=True)
        if out:
            out.write(json.dumps(row) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="tinyllama-1.1b")
    parser.add_argument("--formats", default="Q4_K_M,Q8_0")
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--decode", type=int, default=32)
    parser.add_argument("--batch", default="1,8")
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", help="command of another engine's bench")
    parser.add_argument("--out", type=argparse.FileType("w"), help="file for JSON lines")
    args = parser.parse_args()
    for format_name in args.formats.split(","):
        model = random_model(args.shape, format_name)
        rates, limits = compare(args, model)
        report(args, args.shape, format_name, rates, limits, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
