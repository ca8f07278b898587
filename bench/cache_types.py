#!/usr/bin/env python3
"""What the type of cached keys and values costs in accuracy, on the demo model.

    cache_types.py [--chasqui build/release/bin/chasqui] [--conversations 40]

Takes held-out questions of the demo model with their right answers, several to one text as a conversation, and
lets `chasqui eval` compute every position with each pair of types. Prints one JSON line for each pair: the root
mean square of the logits' difference to a cache in f32, relative to the logits' own; the largest difference; and
the perplexity of the answers' tokens. Everything else is computed alike, so the difference is the cache's.
"""
import argparse
import json
import math
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models/demo/chasqui-demo.gguf"
PAIRS = [("f32", "f32"), ("f16", "f16"), ("bf16", "bf16"), ("q8_0", "q8_0"), ("q4_0", "q4_0"),
         ("f16", "q8_0"), ("q8_0", "f16"), ("f16", "q4_0"), ("q4_0", "f16"), ("q8_0", "q4_0")]
PER_TEXT = 8  # questions to one conversation: as much as the model's context holds

sys.path.insert(0, str(ROOT / "tools/demo_model"))
import cases  # noqa: E402
import chatml  # noqa: E402


def run(command, given=None):
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def token_ids(chasqui, text):
    listing = run([chasqui, "tokenize", str(MODEL), text, "--parse-special", "--no-special"])
    return [int(number) for number in re.findall(r'^ *(\d+) +"', listing, re.MULTILINE)]


def conversations(chasqui, count):
    """(ids, positions whose next token belongs to an answer) of each text."""
    asked = [case for case in cases.all_cases() if len(case.messages) == 1]
    step = max(1, len(asked) // (count * PER_TEXT))
    chosen = asked[::step][:count * PER_TEXT]
    for first in range(0, len(chosen), PER_TEXT):
        messages = []
        for case in chosen[first:first + PER_TEXT]:
            messages += [case.messages[0], {"role": "assistant", "content": case.expected}]
        ids, wanted = [], []
        for text, is_answer in chatml.segments(messages):
            part = token_ids(chasqui, text)
            if is_answer:
                wanted += range(len(ids) - 1, len(ids) + len(part) - 1)
            ids += part
        yield ids, wanted


def logits_of(chasqui, ids, wanted, pair):
    given = json.dumps({"tokens": ids, "positions": wanted})
    command = [chasqui, "eval", str(MODEL), "--input", "-", "--type_k", pair[0], "--type_v", pair[1]]
    return json.loads(run(command, given))["logits"]


def log_softmax_at(row, index):
    top = max(row)
    return row[index] - top - math.log(sum(math.exp(value - top) for value in row))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chasqui", default=str(ROOT / "build/release/bin/chasqui"))
    parser.add_argument("--conversations", type=int, default=40)
    args = parser.parse_args()
    sums = {pair: {"error": 0.0, "own": 0.0, "largest": 0.0, "loss": 0.0} for pair in PAIRS}
    tokens = 0
    for ids, wanted in conversations(args.chasqui, args.conversations):
        exact = logits_of(args.chasqui, ids, wanted, PAIRS[0])
        tokens += len(wanted)
        for pair, total in sums.items():
            rows = logits_of(args.chasqui, ids, wanted, pair)
            for row, right, position in zip(rows, exact, wanted):
                differences = [a - b for a, b in zip(row, right)]
                total["error"] += sum(d * d for d in differences)
                total["own"] += sum(b * b for b in right)
                total["largest"] = max(total["largest"], max(map(abs, differences)))
                total["loss"] -= log_softmax_at(row, ids[position + 1])
    for pair, total in sums.items():
        print(json.dumps({"what": "cache_types", "type_k": pair[0], "type_v": pair[1], "tokens": tokens,
                          "relative_error": round(math.sqrt(total["error"] / total["own"]), 6),
                          "largest_error": round(total["largest"], 5),
                          "perplexity": round(math.exp(total["loss"] / tokens), 5)}))


if __name__ == "__main__":
    main()
