#!/usr/bin/env python3
"""Time to the first token of a request whose beginning the server has seen before.

    prefix_reuse.py http://127.0.0.1:8000 [--shared 300] [--own 20] [--rounds 5]
    prefix_reuse.py 'build/release/bin/chasqui serve --model MODEL.gguf --n_ctx 8192 --host 127.0.0.1 --port {port}' --shared 4096

Each round makes up a new beginning of `shared` tokens, asks once (nothing cached), and then asks again with
the same beginning and `own` other tokens at the end. Prints one JSON line: medians in milliseconds, and their ratio.
"""
import argparse
import json
import random
import statistics
import sys
import time

import servers
import streams


def first_token_seconds(loop, prompt):
    """From sending the request to the first event with text."""
    body = {"prompt": prompt, "max_tokens": 4, "temperature": 0, "ignore_eos": True}
    return loop.ask(body).first_token_seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", help="a URL, or a command with {port}")
    parser.add_argument("--shared", type=int, default=300)
    parser.add_argument("--own", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--name", default="chasqui", help="of the server, for the JSON line")
    parser.add_argument("--model", default="", help="of the model, for the JSON line")
    parser.add_argument("--out", type=argparse.FileType("a"), help="file that the JSON line is added to")
    args = parser.parse_args()
    rng = random.Random(time.time_ns())
    cold, warm = [], []
    with servers.given(args.server) as (url, _):
        loop = streams.Loop(url)
        for _ in range(args.rounds):
            beginning = streams.token_ids(rng, args.shared)
            cold.append(first_token_seconds(loop, beginning + streams.token_ids(rng, args.own)))
            warm.append(first_token_seconds(loop, beginning + streams.token_ids(rng, args.own)))
    first, second = statistics.median(cold), statistics.median(warm)
    row = {"what": "prefix_reuse", "server": args.name, "model": args.model, "shared_tokens": args.shared,
           "own_tokens": args.own, "rounds": args.rounds, "first_ms": streams.milliseconds(first),
           "second_ms": streams.milliseconds(second), "ratio": round(second / first, 4)}
    for out in filter(None, (sys.stdout, args.out)):
        print(json.dumps(row), file=out)


if __name__ == "__main__":
    main()
