#!/usr/bin/env python3
"""What somebody else's long prompt does to a stream that runs, and to a short prompt that comes behind it.

    mixed_load.py http://127.0.0.1:8000                           (n_ctx must hold --long tokens and some more)
    mixed_load.py 'build/release/bin/chasqui serve --model MODEL.gguf --n_ctx 9000 --host 127.0.0.1 --port {port}'

One stream runs all the time. First alone; then a prompt of `--long` tokens arrives; then another one, with short requests
(`--short` tokens in, 8 out) one after the other behind it. Gaps are the stream's, between two events. They are compared with the time that one
chunk of `--chunk` tokens takes by itself, asked for alone: at the beginning of a text, and behind `--long` tokens that the
prefix cache has, where its attention is the most expensive (without a prefix cache in the server that figure is useless).
Prints JSON lines and a summary.
"""
import argparse
import contextlib
import json
import random
import sys
import time

import servers
import streams


def body(prompt, tokens, args):
    return {"prompt": prompt, "max_tokens": tokens, "temperature": 0, "ignore_eos": True, **json.loads(args.extra)}


class Bench:
    def __init__(self, args, url):
        self.args = args
        self.loop = streams.Loop(url)
        self.rng = random.Random(time.time_ns())

    def prompt(self, count):
        return streams.token_ids(self.rng, count)

    def alone(self, prompt):
        """Milliseconds to the first token of a prompt that nobody disturbs."""
        return streams.milliseconds(self.loop.ask(body(prompt, 1, self.args)).first_token_seconds)

    @contextlib.contextmanager
    def running_stream(self):
        """A stream that has sent its first tokens; dropped afterwards, and the server given a moment to see it."""
        stream = self.loop.start(body(self.prompt(64), self.args.stream, self.args))
        self.loop.run_until(lambda: stream.ended or len(stream.arrivals) >= self.args.quiet)
        yield stream
        self.loop.drop(stream)
        time.sleep(1)

    def gaps_beside(self, stream, prompt):
        """The stream's gaps while the long prompt is computed, and the long prompt's own request."""
        long = self.loop.start(body(prompt, 1, self.args))
        self.loop.run_until(lambda: stream.ended or long.ended)
        check(stream, long)
        return stream.gaps(long.sent, long.arrivals[0]), long

    def shorts_behind(self, stream, prompt):
        """Seconds to the first token of short requests, one after the other while a long prompt is computed, and the
        stream's gaps."""
        long, first = self.loop.start(body(prompt, 1, self.args)), []
        while not long.ended:
            short = self.loop.start(body(self.prompt(self.args.short), 8, self.args))
            self.loop.run_until(lambda: short.ended or stream.ended)
            check(stream, short)
            if not long.ended:
                first.append(short.first_token_seconds)
        check(stream, long)
        return first, stream.gaps(long.sent, long.arrivals[0])


def check(stream, other):
    if stream.ended:
        raise RuntimeError(f"the stream ended too early, take a larger --stream ({stream.error})")
    if other.error or not other.arrivals:
        raise RuntimeError(other.error or "an answer without text")


def quantiles(name, values):
    row = {f"{name}_ms_p{share}": streams.milliseconds(streams.percentile(values, share / 100)) for share in (50, 99)}
    return row | {f"{name}_ms_max": streams.milliseconds(max(values, default=None)), f"{name}_count": len(values)}


def measure(args, url):
    """One row with everything."""
    bench = Bench(args, url)
    long_prompt = bench.prompt(args.long)
    bench.alone(bench.prompt(args.chunk))  # what is slow only once: pages that were never touched
    row = {"long_tokens": args.long, "chunk_tokens": args.chunk,
           "short_alone_ms": bench.alone(bench.prompt(args.short)),
           "chunk_first_ms": bench.alone(bench.prompt(args.chunk))}
    with bench.running_stream() as stream:
        row |= quantiles("quiet_gap", stream.gaps())
        gaps, long = bench.gaps_beside(stream, long_prompt)
        row |= quantiles("gap", gaps)
        row["long_ttft_ms"] = streams.milliseconds(long.first_token_seconds)
    row["chunk_last_ms"] = bench.alone(long_prompt + bench.prompt(args.chunk))
    for which in ("first", "last"):
        row[f"gap_p99_over_chunk_{which}"] = round(row["gap_ms_p99"] / row[f"chunk_{which}_ms"], 2)
    with bench.running_stream() as stream:
        shorts, gaps = bench.shorts_behind(stream, bench.prompt(args.long))
        row |= quantiles("short_ttft", shorts) | quantiles("gap_with_shorts", gaps)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", help="a URL, or a command with {port}")
    parser.add_argument("--long", type=int, default=8000, help="tokens of the long prompt")
    parser.add_argument("--short", type=int, default=110, help="tokens of the short prompts")
    parser.add_argument("--chunk", type=int, default=256, help="the server's prefill_chunk")
    parser.add_argument("--stream", type=int, default=900, help="most tokens of the stream")
    parser.add_argument("--quiet", type=int, default=64, help="tokens of the stream before the long prompt comes")
    parser.add_argument("--name", default="chasqui", help="of the server, for the JSON line")
    parser.add_argument("--model", default="", help="of the model, for the JSON line")
    parser.add_argument("--extra", default="{}", help="JSON object with further fields of each request")
    parser.add_argument("--out", type=argparse.FileType("a"), help="file that the JSON line is added to")
    args = parser.parse_args()
    with servers.given(args.server) as (url, server):
        row = {"what": "mixed_load", "server": args.name, "model": args.model, **measure(args, url)}
        if server:
            row["peak_mib"] = server.status()["VmHWM"]
    for out in filter(None, (sys.stdout, args.out)):
        print(json.dumps(row), file=out)


if __name__ == "__main__":
    main()
