#!/usr/bin/env python3
"""Time from the command to the first token, and the server's memory, with and without kept weights.

    cold_start.py [MODEL.gguf ...] [--chasqui build/release/bin/chasqui] [--rounds 3]

Each model (default: the demo model) is served three ways: without `pack_cache`; with it and an empty folder, so that the
rearranged weights are written; and with it again, so that they are mapped. Files are read once before, so that they are in the page
cache. Then `--prompts` prompts as long as the context are computed (the default cache holds eight) and the high-water mark is
taken again. `allowed_mib` is the goal for memory: the weights' file, the cache as configured, and 200 MiB. Prints JSON lines
(medians of the rounds; the largest memory) and a table.
"""
import argparse
import json
import pathlib
import random
import re
import statistics
import sys
import tempfile
import time

import servers
import streams

ROOT = pathlib.Path(__file__).resolve().parent.parent
OVERHEAD_MIB = 200


def start_once(args, model, flags):
    """One start: seconds until ready and until the first token, and memory in MiB."""
    command = f"{args.chasqui} serve --model {model} --host 127.0.0.1 --port {{port}} {flags}"
    begin = time.perf_counter()
    with servers.running(command) as server:
        ready = time.perf_counter() - begin
        loop, rng = streams.Loop(server.url), random.Random(1)
        loop.ask({"prompt": streams.token_ids(rng, 8), "max_tokens": 1, "temperature": 0})
        first = time.perf_counter() - begin
        started = server.status()
        context, cache = re.search(r"context (\d+), cache \d+ tokens \(([\d.]+) MiB\)",
                                   pathlib.Path(server.log).read_text()).groups()
        for _ in range(args.prompts):
            prompt = streams.token_ids(rng, int(context) - 1)
            loop.ask({"prompt": prompt, "max_tokens": 1, "temperature": 0})
        return {"ready_s": ready, "first_token_s": first, "start_peak_mib": started["VmHWM"],
                "peak_mib": server.status()["VmHWM"], "anonymous_mib": server.status()["RssAnon"],
                "cache_mib": float(cache)}


def ways(args, model):
    """(name, list of measurements) of each way to start."""
    path = pathlib.Path(model)
    path.read_bytes()  # into the page cache
    yield "packed in memory", [start_once(args, model, "") for _ in range(args.rounds)]
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        kept = f"--pack_cache {folder}"
        yield "written to pack_cache", [start_once(args, model, kept)]
        yield "mapped from pack_cache", [start_once(args, model, kept) for _ in range(args.rounds)]


def summary(args, model, way, runs):
    size = pathlib.Path(model).stat().st_size
    row = {"what": "cold_start", "model": pathlib.Path(model).stem, "way": way, "rounds": len(runs),
           "prompts": args.prompts, "file_mib": round(size / 2**20, 1)}
    for name in ("ready_s", "first_token_s"):
        row[name] = round(statistics.median(run[name] for run in runs), 3)
    row["first_token_s_per_gb"] = round(row["first_token_s"] / (size / 1e9), 2)
    for name in ("start_peak_mib", "peak_mib", "anonymous_mib", "cache_mib"):
        row[name] = max(run[name] for run in runs)
    row["allowed_mib"] = round(row["file_mib"] + row["cache_mib"] + OVERHEAD_MIB, 1)
    return row


COLUMNS = ("ready_s", "first_token_s", "first_token_s_per_gb", "start_peak_mib", "peak_mib", "allowed_mib")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[str(ROOT / "models/demo/chasqui-demo.gguf")])
    parser.add_argument("--chasqui", default=str(ROOT / "build/release/bin/chasqui"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=8, help="how many prompts fill the cache")
    parser.add_argument("--folder", help="where the pack cache is made; it takes about the models' size")
    parser.add_argument("--out", type=argparse.FileType("a"), help="file that the JSON lines are added to")
    args = parser.parse_args()
    rows = []
    for model in args.models:
        for way, runs in ways(args, model):
            rows.append(summary(args, model, way, runs))
            for out in filter(None, (sys.stdout, args.out)):
                print(json.dumps(rows[-1]), file=out, flush=True)
    print(f"{'':>48}  " + "  ".join(f"{name:>20}" for name in COLUMNS))
    for row in rows:
        print(f"{row['model'] + ', ' + row['way']:>48}  " + "  ".join(f"{row[name]:>20}" for name in COLUMNS))


if __name__ == "__main__":
    main()
