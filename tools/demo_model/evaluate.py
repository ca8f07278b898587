"""Measure the model on held-out phrasings, names and topics at temperature 0.

    python3 evaluate.py --model models/demo/chasqui-demo.gguf
    python3 evaluate.py --url http://127.0.0.1:8080

The first form runs the file with numpy, the second asks a server that speaks
the OpenAI chat protocol.  A case is right only when the whole answer is equal
to the expected text.  The exit code is 1 when less than 95 % are right.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import corpus
import leakcheck
from cases import Case, all_cases

Ask = Callable[[list[dict[str, str]]], str]
REQUIRED = 0.95
CHECK_SAMPLE = 20000
# A server answers several users at once; the numpy model answers one.
ASKERS_AT_ONCE = 16


def url_asker(url: str, model: str, repeat_penalty: float | None) -> Ask:
    """Asks an OpenAI-compatible server for the greedy answer."""
    def ask(messages: list[dict[str, str]]) -> str:
        body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 64}
        if repeat_penalty is not None:
            body["repeat_penalty"] = repeat_penalty
        request = urllib.request.Request(url.rstrip("/") + "/v1/chat/completions", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)["choices"][0]["message"]["content"]

    return ask


def file_asker(path: Path) -> Ask:
    """Runs the model file in this process."""
    from numpy_llama import NumpyLlama

    return NumpyLlama(path).chat


def run(cases: list[Case], ask: Ask, show: int, at_once: int) -> float:
    """Ask every case, `at_once` together, print the table and some failures; the share of right answers."""
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    start = time.time()
    pool = ThreadPoolExecutor(at_once)
    answers = pool.map(lambda case: ask(case.messages), cases)
    for number, (case, answer) in enumerate(zip(cases, answers), 1):
        total[case.category] += 1
        right[case.category] += answer == case.expected
        if answer != case.expected and shown[case.category] < show:
            shown[case.category] += 1
            print(f"wrong [{case.category}] {case.messages[-1]['content']!r}: {answer!r}, not {case.expected!r}")
        if number % 500 == 0:
            print(f"{number} of {len(cases)} cases, {time.time() - start:.0f} s", file=sys.stderr, flush=True)
    print(f"{'category':<28}{'right':>7}{'cases':>7}{'share':>9}")
    for category in total:
        print(f"{category:<28}{right[category]:>7}{total[category]:>7}{right[category] / total[category]:>9.2%}")
    share = sum(right.values()) / sum(total.values())
    print(f"{'total':<28}{sum(right.values()):>7}{sum(total.values()):>7}{share:>9.2%}   ({time.time() - start:.0f} s)")
    return share


def pick(cases: list[Case], count: int) -> list[Case]:
    """A seeded sample in the original order; all cases when count is 0."""
    if not 0 < count < len(cases):
        return cases
    chosen = sorted(random.Random(1).sample(range(len(cases)), count))
    return [cases[i] for i in chosen]


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="GGUF file to run with numpy")
    parser.add_argument("--url", help="base address of an OpenAI-compatible server")
    parser.add_argument("--name", default="chasqui-demo", help="model name sent to the server")
    parser.add_argument("--repeat-penalty", type=float, help="sent to the server; 1 is off (default: the server's)")
    parser.add_argument("--sample", type=int, default=0, help="take only so many cases, chosen with a fixed seed")
    parser.add_argument("--only", default="", help="take only categories that start with this")
    parser.add_argument("--show", type=int, default=6, help="failures to print per category")
    args = parser.parse_args()
    if (args.model is None) == (args.url is None):
        parser.error("give --model or --url")
    distinct = leakcheck.check_heldout(corpus.SEED, CHECK_SAMPLE, CHECK_SAMPLE // 20)
    print(f"no held-out phrasing in {distinct} generated training messages")
    cases = pick([case for case in all_cases() if case.category.startswith(args.only)], args.sample)
    ask = file_asker(args.model) if args.model else url_asker(args.url, args.name, args.repeat_penalty)
    share = run(cases, ask, args.show, ASKERS_AT_ONCE if args.url else 1)
    return 0 if share >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
