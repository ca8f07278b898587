#!/usr/bin/env python3
"""Decoding while another process keeps one processor busy.

    bench/busy_core.py MODEL.gguf [--peer 'COMMAND'] [--rounds 3] [--sequences 1,8] [--out FILE]

A loop that does nothing is bound to the last processor that we may use. Each round measures every engine without
it and with it, in turn. The busy process gets half of its processor, so of N processors an engine keeps at best
(N - 0.5) / N of its speed. Engines whose threads wait for each other in spinning barriers lose far more.
Prints a table, and with --out JSON lines. `--peer` as for run.py.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/bin/chasqui"


# Ends by itself, should this program be killed.
BUSY_LOOP = "import time\nend = time.monotonic() + 600\nwhile time.monotonic() < end: pass"


@contextlib.contextmanager
def busy(processor):
    """A process that never sleeps, on `processor`; none when that is None."""
    if processor is None:
        yield
        return
    loop = subprocess.Popen([sys.executable, "-c", BUSY_LOOP],
                            preexec_fn=lambda: os.sched_setaffinity(0, {processor}))
    try:
        yield
    finally:
        loop.kill()
        loop.wait()


def commands(args):
    ours = [BINARY, "bench", args.model, "--json", "-p", 0, "-n", args.decode, "--batch", args.sequences,
            "-t", args.threads, "--repeats", 1]
    yield "chasqui", list(map(str, ours))
    if args.peer:
        together = ",".join(n for n in args.sequences.split(",") if n != "1")
        theirs = [*shlex.split(args.peer), args.model, "--prefill", 16, "--decode", args.decode,
                  f"--batch={together}", "--threads", args.threads, "--reps", 1]
        yield "peer", list(map(str, theirs))


def decode_rates(command):
    """{sequences: tokens per second} of one run."""
    out = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    rows = (json.loads(line) for line in out.splitlines() if line.startswith("{"))
    return {row.get("sequences", 1): row["median"] for row in rows if row["what"] == "decode"}


def measure(args, processor):
    """{(engine, sequences, disturbed): [tokens per second]}."""
    rates = {}
    for _ in range(args.rounds):
        for engine, command in commands(args):
            for disturbed in (False, True):
                with busy(processor if disturbed else None):
                    for sequences, rate in decode_rates(command).items():
                        rates.setdefault((engine, sequences, disturbed), []).append(rate)
    return rates


def report(args, rates):
    print(f"{'engine':<10} {'sequences':>9} {'alone t/s':>10} {'beside t/s':>10} {'kept':>6}")
    for engine, sequences in sorted({key[:2] for key in rates}):
        alone = statistics.median(rates[engine, sequences, False])
        beside = statistics.median(rates[engine, sequences, True])
        print(f"{engine:<10} {sequences:>9} {alone:>10.1f} {beside:>10.1f} {beside / alone:>6.0%}")
        if args.out:
            args.out.write(json.dumps({
                "what": "busy core", "engine": engine, "sequences": sequences, "threads": args.threads,
                "decode": args.decode, "model": pathlib.Path(args.model).name,
                "alone": rates[engine, sequences, False], "beside": rates[engine, sequences, True],
                "kept": beside / alone}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--peer", help="command of another engine's bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sequences", default="1,8", help="how many decode together")
    parser.add_argument("--decode", type=int, default=64, help="tokens of each")
    processors = sorted(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, default=len(processors))
    parser.add_argument("--out", type=argparse.FileType("w"), help="file for JSON lines")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    report(args, measure(args, processors[-1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
