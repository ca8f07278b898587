#!/usr/bin/env python3
"""Time to the first token of a request whose beginning the server has seen before.

    prefix_reuse.py http://127.0.0.1:8000 [--shared 300] [--own 20] [--rounds 5]

Each round makes up a new beginning of `shared` tokens, asks once (nothing cached), and then asks again with
the same beginning and `own` other tokens at the end. Prints one JSON line: medians in milliseconds, and their ratio.
"""
import argparse
import http.client
import json
import random
import statistics
import time
import urllib.parse


def first_token_seconds(url, prompt):
    """From sending the request to the first event with text."""
    target = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=600)
    body = json.dumps({"prompt": prompt, "max_tokens": 4, "stream": True, "temperature": 0})
    begin = time.perf_counter()
    connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(response.read().decode())
    seconds = None
    for line in response:
        if seconds is None and line.startswith(b"data: {"):
            seconds = time.perf_counter() - begin
    connection.close()
    return seconds


def tokens(rng, count):
    """Ids that every vocabulary of a usual size has, away from control and byte tokens."""
    return [rng.randrange(300, 1000) for _ in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--shared", type=int, default=300)
    parser.add_argument("--own", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rng = random.Random(1)
    cold, warm = [], []
    for _ in range(args.rounds):
        beginning = tokens(rng, args.shared)
        cold.append(first_token_seconds(args.url, beginning + tokens(rng, args.own)))
        warm.append(first_token_seconds(args.url, beginning + tokens(rng, args.own)))
    first, second = statistics.median(cold), statistics.median(warm)
    print(json.dumps({"what": "prefix_reuse", "shared_tokens": args.shared, "own_tokens": args.own,
                      "first_ms": round(first * 1e3, 1), "second_ms": round(second * 1e3, 1),
                      "ratio": round(second / first, 3)}))


if __name__ == "__main__":
    main()
