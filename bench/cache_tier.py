#!/usr/bin/env python3
"""Time to the first token of a long conversation that comes back after the server was restarted.

    cache_tier.py CHASQUI MODEL.gguf [--tokens 8192] [--own 40] [--plain]

Starts a server with a cache on disk, asks with `tokens` tokens (nothing cached), ends it; starts another on the same
folder and asks with the same beginning and `own` other tokens; and a third time after the file was dropped from the page
cache, so that the disk itself is read. --plain computes the first prompt once more in a server without cache: what
keeping costs. Prints one JSON line.
"""
import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request

from prefix_reuse import first_token_seconds, tokens


class Server:
    def __init__(self, args, *flags):
        command = [args.chasqui, "serve", "--model", args.model, "--host", "127.0.0.1", "--port", "0",
                   "--n_ctx", str(args.tokens + 1024), *flags]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            match = re.search(r"http://127\.0\.0\.1:\d+", line)
            if match:
                self.url = match.group(0)
                return
        raise RuntimeError("the server did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.close()
        self.process.wait(timeout=120)

    def figure(self, name):
        page = urllib.request.urlopen(self.url + "/metrics", timeout=60).read().decode()
        return int(re.search(rf"^chasqui_{name}{{.*}} (\d+)$", page, re.M).group(1))


def drop_from_page_cache(folder):
    os.sync()
    size = 0
    for path in pathlib.Path(folder).rglob("*.sqlite"):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        size += path.stat().st_size
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chasqui")
    parser.add_argument("model")
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--own", type=int, default=40)
    parser.add_argument("--plain", action="store_true")
    args = parser.parse_args()
    rng = random.Random(1)
    beginning, own = tokens(rng, args.tokens), [tokens(rng, args.own) for _ in range(2)]
    warm_up = tokens(rng, 64)
    result = {"what": "cache_tier", "model": pathlib.Path(args.model).name, "tokens": args.tokens, "own_tokens": args.own}

    def ask(server, prompt):
        first_token_seconds(server.url, warm_up)
        seconds = round(first_token_seconds(server.url, prompt), 3)
        print(f"{len(prompt)} tokens: {seconds} s", file=sys.stderr, flush=True)
        return seconds

    with tempfile.TemporaryDirectory() as folder:
        cache = ("--cache", "true", "--cache_type", "disk", "--cache_dir", folder)
        if args.plain:
            with Server(args) as server:
                result["computed_without_cache_s"] = ask(server, beginning)
        with Server(args, *cache) as server:
            result["computed_s"] = ask(server, beginning)
        with Server(args, *cache) as server:
            result["returned_s"] = ask(server, beginning + own[0])
            result["cached_tokens"] = server.figure("prompt_tokens_cached_total")
            result["blocks_loaded"] = server.figure("cache_tier_hits_total")
        result["file_mib"] = round(drop_from_page_cache(folder) / 2**20, 1)
        with Server(args, *cache) as server:
            result["returned_cold_s"] = ask(server, beginning + own[1])
    result["ratio"] = round(result["returned_s"] / result["computed_s"], 4)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
