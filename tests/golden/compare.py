#!/usr/bin/env python3
"""Runs the parity commands over a folder of expected results and compares, case by case.

    compare.py BINARY GOLDEN_FOLDER

What the fields mean is said in the folder's README. Architectures and tokenizers that the binary
refuses as unsupported are listed, not counted as wrong. Tolerances: 1e-3 absolute for f32 arithmetic
(six digits are stored, sums run in another order); for quantised files in the serving mode a
relative error of the logits' root mean square, see QUANTIZED_RELATIVE.
"""
import gzip
import json
import math
import pathlib
import subprocess
import sys
import tempfile

EXACT = 1e-3

# Activations rounded to 8 bits with one scale for 32 values: a uniform error of at most
# scale / 2 = amax / 254 a value. Through the layers of these random models the reference, which
# rounds likewise, moves by up to 0.3 for logits of deviation 3; 10 % of the deviation bounds both.
QUANTIZED_RELATIVE = 0.10


class Tally:
    def __init__(self):
        self.passed, self.failed, self.unsupported = 0, 0, []

    def check(self, ok, what):
        self.passed += ok
        self.failed += not ok
        if not ok:
            print(f"WRONG {what}", flush=True)


def run(binary, *args, document=None):
    """The command's JSON, or the sentence that it failed with."""
    result = subprocess.run([binary, *map(str, args)], input=json.dumps(document) if document is not None
                            else None, text=True, capture_output=True)
    if result.returncode != 0:
        return None, result.stderr.strip().splitlines()[-1] if result.stderr.strip() else "no message"
    return json.loads(result.stdout), ""


def largest_difference(a, b):
    return max(abs(x - y) for x, y in zip(a, b)) if len(a) == len(b) else math.inf


def relative_rms(a, b):
    """Root mean square of a - b over the standard deviation of b."""
    mean = sum(b) / len(b)
    spread = sum((y - mean) ** 2 for y in b)
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)) / spread)


def greedy_agrees(ours, expected, margins, error):
    """Tokens agree until a choice that was closer than twice our error."""
    for mine, theirs, margin in zip(ours, expected, margins):
        if margin <= 2 * error:
            return True
        if mine != theirs:
            return False
    return True


def compare_model(binary, model, expected, tally, exact):
    want = json.loads(expected.read_text())
    if want.get("kind", "lm") != "lm":
        compare_embedding(binary, model, want, want.get("best_suffix", ""), tally, exact)
        return
    compare_logits(binary, model, want, want.get("best_suffix", ""), tally, exact)
    if "long_context" in want:
        compare_logits(binary, model, {**want, **want["long_context"]}, "", tally, exact)


def compare_embedding(binary, model, want, suffix, tally, exact):
    request = {"tokens": want["tokens"], "n_ctx": want["n_ctx"]}
    got, error = run(binary, "eval", model, "--input", "-", *(["--exact"] if exact else []), document=request)
    name = f"{model.parent.name}/{model.name}{' --exact' if exact else ''}"
    if got is None:
        tally.check(False, f"{name}: {error}")
        return
    worst = max(largest_difference(got["embedding"][kind], row) for kind, row in want["embedding" + suffix].items())
    tally.check(worst < EXACT, f"{name}: embeddings differ by {worst:.2g}")
    if "rank_score" in want:
        score = largest_difference(got["rank_score"], want["rank_score" + suffix])
        tally.check(score < EXACT, f"{name}: rank scores differ by {score:.2g}")
    print(f"{name:<52} max {worst:.2g}", flush=True)


def compare_logits(binary, model, want, suffix, tally, exact):
    request = {"tokens": want["tokens"], "positions": want["positions"], "greedy": len(want["greedy"]),
               "n_ctx": want["n_ctx"], "chunk": 7}
    flags = ["--exact"] if exact else []
    got, error = run(binary, "eval", model, "--input", "-", *flags, document=request)
    name = f"{model.parent.name}/{model.name}{' --exact' if exact else ''}"
    if got is None:
        if "not supported" in error or "cannot" in error:
            tally.unsupported.append(f"{name}: {error}")
        else:
            tally.check(False, f"{name}: {error}")
        return
    rows = want["logits" + suffix]
    worst = max(largest_difference(a, b) for a, b in zip(got["logits"], rows))
    relative = max(relative_rms(a, b) for a, b in zip(got["logits"], rows))
    bound_holds = worst < EXACT if exact else relative < QUANTIZED_RELATIVE
    tally.check(bound_holds, f"{name}: logits differ by {worst:.2g} (relative {relative:.2g})")
    agreed = greedy_agrees(got["greedy"], want["greedy" + suffix], want["greedy_margins" + suffix],
                           max(worst, EXACT))
    tally.check(agreed, f"{name}: greedy tokens differ")
    print(f"{name:<52} max {worst:.2g}, relative {relative:.2g}", flush=True)


def detokenize_cases(want):
    cases, expected = [], []
    for case in want["cases"]:
        for key, ids in (("00", case["ids"]["00"]), ("11", case["ids"]["11"])):
            for flags, text in case.get("detok", {}).get(key, {}).items():
                cases.append({"ids": ids, "remove_special": flags[0] == "1",
                              "unparse_special": flags[1] == "1"})
                expected.append(text if isinstance(text, dict) else {"text": text})
    return cases, expected


def compare_tokenizer(binary, vocab, expected, tally):
    want = json.loads(expected.read_text())
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        file.write(gzip.decompress(vocab.read_bytes()))
        file.flush()
        cases, ids = [], []
        for case in want["cases"]:
            for flags, result in case["ids"].items():
                source = {"bytes_hex": case["bytes_hex"]} if "bytes_hex" in case else {"text": case["text"]}
                cases.append({**source, "add_special": flags[0] == "1", "parse_special": flags[1] == "1"})
                ids.append(result)
        got, error = run(binary, "tokenize", file.name, "--input", "-", document=cases)
        if got is None:
            tally.unsupported.append(f"tokenizer {vocab.name}: {error}")
            return
        wrong = sum(mine["ids"] != theirs for mine, theirs in zip(got, ids))
        tally.check(wrong == 0, f"{vocab.name}: {wrong} of {len(ids)} texts tokenised differently")
        cases, texts = detokenize_cases(want)
        got, error = run(binary, "detokenize", file.name, "--input", "-", document=cases)
        wrong = sum(mine != theirs for mine, theirs in zip(got or [], texts)) if got else len(texts)
        tally.check(wrong == 0, f"{vocab.name}: {wrong} of {len(texts)} texts detokenised differently")
        print(f"{vocab.name:<52} {len(ids)} texts, {len(texts)} back", flush=True)


def render_request(conversation, special_tokens, now):
    kwargs = dict(conversation["kwargs"])
    request = {"messages": conversation["messages"], "now": now, **special_tokens}
    for name in ("tools", "documents", "add_generation_prompt"):
        if name in kwargs:
            request[name] = kwargs.pop(name)
    return {**request, "kwargs": kwargs}


def compare_template(binary, template, conversations, tally):
    """Text must agree byte for byte; where the template refused, so must we. Where only Python's
    rules refused, an engine may be more lenient, which is listed."""
    want = json.loads(template.with_suffix(".json").read_text())["results"]
    cases = [c for c in conversations["conversations"] if c["name"] in want]
    requests = [render_request(c, conversations["special_tokens"], conversations["now"]) for c in cases]
    got, error = run(binary, "render", template, "--input", "-", document=requests)
    if got is None:
        tally.check(False, f"{template.name}: {error}")
        return
    wrong, lenient = [], []
    for case, mine in zip(cases, got):
        expected = want[case["name"]]
        if "text" in expected or expected["raised"] == "TemplateError":
            right = mine.get("text") == expected["text"] if "text" in expected else "raised" in mine
            wrong += [] if right else [case["name"]]
        elif "raised" not in mine:
            lenient.append(case["name"])
    tally.check(not wrong, f"{template.name}: {', '.join(wrong)} rendered differently")
    note = f", more lenient: {', '.join(lenient)}" if lenient else ""
    print(f"{template.name:<52} {len(cases)} conversations{note}", flush=True)
# Every so-manyth schema of the sample, so that the check takes seconds.
SCHEMA_STRIDE = 8


def compare_schemas(binary, vocab, sample, tally):
    lines = subprocess.run(["zstd", "-dc", sample], capture_output=True, check=True).stdout
    lines = lines.splitlines(keepends=True)[::SCHEMA_STRIDE]
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file, tempfile.NamedTemporaryFile() as cases:
        file.write(gzip.decompress(vocab.read_bytes()))
        file.flush()
        cases.write(b"".join(lines))
        cases.flush()
        result = subprocess.run([binary, "grammar", file.name, "--input", cases.name],
                                capture_output=True, text=True)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    right, refused, wrong = 0, 0, []
    for line, row in zip(lines, rows):
        case = json.loads(line)
        if not row["compiled"]:
            refused += 1
        elif row["accepted"] == [test["valid"] for test in case["tests"]]:
            right += 1
        else:
            wrong.append(case["name"])
    tally.check(len(rows) == len(lines) + 1, f"schemas: {len(rows)} rows for {len(lines)} cases: {result.stderr}")
    tally.check(not wrong, f"schemas: {len(wrong)} judged wrongly: {wrong[:5]}")
    print(f"{'schemas':<52} {right} right, {refused} refused, {len(wrong)} wrong", flush=True)
    if rows:
        print(f"{'':<52} mask {rows[-1]['mask_us']}, compile {rows[-1]['compile_us']}", flush=True)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    binary, golden = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    tally = Tally()
    for folder in sorted((golden / "archs").iterdir()):
        compare_model(binary, folder / "model.gguf", folder / "expected.json", tally, exact=True)
    for model in sorted((golden / "quantized").glob("*.gguf")):
        for exact in (True, False):
            compare_model(binary, model, model.with_suffix(".json"), tally, exact)
    for vocab in sorted((golden / "tokenizers").glob("*.gguf.gz")):
        compare_tokenizer(binary, vocab, vocab.with_name(vocab.name.replace(".gguf.gz", ".json")), tally)
    conversations = json.loads((golden / "templates" / "conversations.json").read_text())
    for template in sorted((golden / "templates").glob("*.jinja")):
        compare_template(binary, template, conversations, tally)
    compare_schemas(binary, golden / "tokenizers" / "llama-bpe.gguf.gz",
                    golden / "schemas" / "maskbench-sample.jsonl.zst", tally)
    for line in tally.unsupported:
        print(f"unsupported: {line}")
    print(f"{tally.passed} passed, {tally.failed} failed, {len(tally.unsupported)} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
