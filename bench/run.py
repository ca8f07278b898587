#!/usr/bin/env python3
"""Speed of the engine on random-weight models, beside this machine's limits and beside a peer.

    ./dev bench                                      chasqui alone
    ./dev bench --peer 'python3 bench/llama_cpp.py'      with a peer in the same run
    ./dev bench --depth 0,4096,16384 --prefill 0 --batch 1   deep in a context

Both programs take the model's path as their first argument and print JSON lines with what, tokens or
sequences, best and median (tokens per second); `chasqui bench --json` is one of them, bench/llama_cpp.py
another. Rounds alternate (A B A B ...), so that a drift of the machine meets both; figures are the
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


def commands(args, model, depth):
    types = [part for name in ("type_k", "type_v") if getattr(args, name)
             for part in ("--" + name, getattr(args, name))]
    ours = [BINARY, "bench", model, "--json", "-p", args.prefill, "-n", args.decode, "--batch", args.batch,
            "--depth", depth, "-t", args.threads, "--repeats", 1, *types]
    yield "chasqui", list(map(str, ours))
    if args.peer:
        batch = ",".join(b for b in args.batch.split(",") if b != "1")
        theirs = [*shlex.split(args.peer), model, "--prefill", args.prefill, "--decode", args.decode,
                  "--batch", batch, "--depth", depth, "--threads", args.threads, "--reps", 1, *types]
        yield "peer", list(map(str, theirs))


def compare(args, model, depth):
    """{key: {engine: [rates]}}, and of each key the limit and attention's part that chasqui measured."""
    rates, limits, attention = {}, {}, {}
    for _ in range(args.rounds):
        for engine, command in commands(args, model, depth):
            for key, row in measure(command).items():
                rates.setdefault(key, {}).setdefault(engine, []).append(row["best"])
                if "limit" in row:
                    limits[key] = max(limits.get(key, 0), row["limit"]["tokens_per_s"])
                if "attention" in row:
                    part = row["attention"] | {"read_limit_gb_per_s": row["limit"]["read_gb_per_s"],
                                               "f32_limit_gmac_per_s": row["limit"]["f32_gmac_per_s"]}
                    attention.setdefault(key, []).append(part)
    medians = {key: {name: statistics.median(part[name] for part in parts) for name in parts[0]}
               for key, parts in attention.items()}
    return rates, limits, medians


def report(args, format_name, depth, measured, out):
    rates, limits, attention = measured
    for key in sorted(rates):
        row = {"model": args.shape, "format": format_name, "what": key[0], "count": key[1], "depth": depth,
               "type_k": args.type_k or "f16", "type_v": args.type_v or "f16",
               "threads": args.threads, "rounds": args.rounds, "limit": limits.get(key), "attention": attention.get(key)}
        for engine, values in rates[key].items():
            row[engine] = {"best": max(values), "median": statistics.median(values)}
        if "peer" in row and "chasqui" in row:
            row["ratio"] = row["chasqui"]["median"] / row["peer"]["median"]
        print("{:<8} {:<8} {:>6} at {:>6}  chasqui {:>8.1f} (limit {:>7.1f}, attention {:>2.0f} %)  {}".format(
            format_name, key[0], key[1], depth, row["chasqui"]["median"], limits.get(key, 0),
            100 * row["attention"]["share"],
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
    parser.add_argument("--depth", default="0", help="tokens in the cache before each measurement, with commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--type_k", help="type of the cached keys, here and in the peer")
    parser.add_argument("--type_v", help="type of the cached values")
    parser.add_argument("--peer", help="command of another engine's bench")
    parser.add_argument("--out", type=argparse.FileType("w"), help="file for JSON lines")
    args = parser.parse_args()
    for format_name in args.formats.split(","):
        model = random_model(args.shape, format_name)
        for depth in args.depth.split(","):
            report(args, format_name, int(depth), compare(args, model, int(depth)), args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
