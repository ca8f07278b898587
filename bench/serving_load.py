#!/usr/bin/env python3
"""What a server gives 1, 8, 32, 128 users at once: streamed completions in a closed loop.

    serving_load.py http://127.0.0.1:8000
    serving_load.py 'build/release/bin/chasqui serve --model MODEL.gguf --host 127.0.0.1 --port {port}'
    serving_load.py --name peer 'llama-server -m MODEL.gguf -c 8192 -np 32 --host 127.0.0.1 --port {port}'

Any OpenAI-compatible server will do. Every user asks again as soon as the last answer is complete, until the level's
requests are used up: `--requests`, or 1.5 for each user and at least 16. Prompts have half to one and a half times
`--words` words, and answers as much around `--tokens` tokens, so that users do not keep step; no run's prompts were seen before. Prints a JSON
line for each number of users and then a table. Rates are over the whole level, its end with fewer users included.
"""
import argparse
import json
import random
import sys
import time

import servers
import streams


# Multiples of these modulo 1 fill the unit square evenly (1 / x and 1 / x^2 of x^3 = x + 1).
SPREAD = (0.7548776662, 0.5698402910)


def bodies(args, salt, count):
    """The requests of one level: lengths spread evenly, however many there are; texts that no run has seen."""
    text = random.Random(salt)
    for i in range(count):
        words = round(args.words * (0.5 + (0.5 + i * SPREAD[0]) % 1))
        tokens = round(args.tokens * (0.5 + (0.5 + i * SPREAD[1]) % 1))
        yield {"prompt": streams.text_of(text, words), "max_tokens": tokens, "temperature": 0, "ignore_eos": True,
               **json.loads(args.extra)}


def run_level(args, url, users):
    """All streams of a level, and how many seconds they took."""
    count = args.requests or max(16, users * 3 // 2)
    waiting = bodies(args, f"{time.time_ns()}", count)
    loop = streams.Loop(url)
    begin = time.perf_counter()
    every = [loop.start(next(waiting)) for _ in range(min(users, count))]
    running = len(every)
    while running:
        for _ in loop.step():
            running -= 1
            body = next(waiting, None)
            if body is not None:
                every.append(loop.start(body))
                running += 1
    return every, time.perf_counter() - begin


def summary(args, users, every, seconds):
    good = [stream for stream in every if not stream.error]
    first = [stream.first_token_seconds for stream in good if stream.arrivals]
    gaps = [gap for stream in good for gap in stream.gaps()]
    row = {"what": "serving", "server": args.name, "model": args.model, "users": users, "requests": len(every),
           "errors": len(every) - len(good), "seconds": round(seconds, 2),
           "requests_per_s": round(len(good) / seconds, 3),
           "prompt_tokens_per_s": round(sum(s.usage.get("prompt_tokens", 0) for s in good) / seconds, 1),
           "tokens_per_s": round(sum(s.output_tokens for s in good) / seconds, 1)}
    for name, values in (("ttft", first), ("gap", gaps)):
        for share in (50, 99):
            row[f"{name}_ms_p{share}"] = streams.milliseconds(streams.percentile(values, share / 100))
    if row["errors"]:
        row["first_error"] = next(stream.error for stream in every if stream.error)
    return row


COLUMNS = ("users", "requests_per_s", "tokens_per_s", "ttft_ms_p50", "ttft_ms_p99", "gap_ms_p50", "gap_ms_p99", "errors")


def print_table(rows):
    print("  ".join(f"{name:>14}" for name in COLUMNS))
    for row in rows:
        print("  ".join(f"{'-' if row[name] is None else row[name]:>14}" for name in COLUMNS))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", help="a URL, or a command with {port}")
    parser.add_argument("--users", default="1,8,32,128")
    parser.add_argument("--requests", type=int, help="at each number of users")
    parser.add_argument("--words", type=int, default=68, help="of a prompt; about 110 tokens with the random models")
    parser.add_argument("--tokens", type=int, default=32, help="of an answer")
    parser.add_argument("--name", default="chasqui", help="of the server, for the JSON lines")
    parser.add_argument("--model", default="", help="of the model, for the JSON lines")
    parser.add_argument("--extra", default="{}", help="JSON object with further fields of each request")
    parser.add_argument("--out", type=argparse.FileType("a"), help="file that the JSON lines are added to")
    args = parser.parse_args()
    rows = []
    with servers.given(args.server) as (url, server):
        streams.Loop(url).ask(next(bodies(args, "warm", 1)))
        for users in map(int, args.users.split(",")):
            row = summary(args, users, *run_level(args, url, users))
            if server:
                row["peak_mib"] = server.status()["VmHWM"]
            rows.append(row)
            for out in filter(None, (sys.stdout, args.out)):
                print(json.dumps(row), file=out, flush=True)
    print_table(rows)
    return 1 if any(row["errors"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
