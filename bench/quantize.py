#!/usr/bin/env python3
"""What each file type costs the demo model, with and without an importance matrix.

    quantize.py [--chasqui build/release/bin/chasqui] [--types Q4_K_M,Q2_K] [--folder DIR]

Makes an importance matrix from conversations of the kind that the model was trained on (another seed), quantises the
model to each type with and without it, and lets `chasqui perplexity --base` read held-out questions with their right
answers. Prints one JSON line for each file and, at the end, the table of docs/quantize.md. The base is the demo model
itself, which is Q8_0: what it lost then is not seen here.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models/demo/chasqui-demo.gguf"
TYPES = ["Q6_K", "Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS", "MXFP4", "NVFP4",
         "Q3_K_L", "Q3_K_M", "Q3_K_S", "IQ3_M", "IQ3_S", "IQ3_XS", "IQ3_XXS", "Q2_K", "Q2_K_S", "IQ2_M", "IQ2_S", "IQ2_XS",
         "IQ2_XXS", "IQ1_M", "IQ1_S", "TQ2_0", "TQ1_0"]
NEED_IMPORTANCE = {"IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S"}  # some of their tensors do
CHUNK = 256  # tokens: a conversation or two
TRAIN_CONVERSATIONS, HELD_OUT, SEED = 400, 250, 7

sys.path.insert(0, str(ROOT / "tools/demo_model"))
import cases  # noqa: E402
import chatml  # noqa: E402
import corpus  # noqa: E402


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr}")
    return done.stdout


def write_texts(folder):
    """The text to measure importance on, and the one to be predicted."""
    rng = random.Random(SEED)
    train = [corpus.short_conversation(rng) for _ in range(TRAIN_CONVERSATIONS)]
    held_out = cases.all_cases()
    held_out = held_out[::max(1, len(held_out) // HELD_OUT)]
    rng.shuffle(held_out)
    asked = [[*case.messages, {"role": "assistant", "content": case.expected}] for case in held_out]
    paths = []
    for name, conversations in (("train.txt", train), ("held-out.txt", asked)):
        path = folder / name
        path.write_text("".join(chatml.render(messages, False) for messages in conversations))
        paths.append(path)
    return paths


def measure(chasqui, model, text, file_type, importance):
    """Size, perplexity and distance from the demo model of one file."""
    common = ["--parse-special", "--n-ctx", CHUNK, "--json"]
    scores = json.loads(run(chasqui, "perplexity", model, text, "--base", MODEL, *common))
    parts = json.loads(run(chasqui, "inspect", model, "--json"))["tensors"]
    size = sum(part["bytes"] for part in parts)
    values = sum(part_values(part["shape"]) for part in parts)
    line = {"type": file_type, "importance": importance, "bytes": size, "bits": 8 * size / values, **scores}
    print(json.dumps(line), flush=True)
    return line


def part_values(shape):
    count = 1
    for dim in shape:
        count *= dim
    return count


def cell(line, key, factor=1.0, digits=4):
    return "-" if line is None else f"{factor * line[key]['value']:.{digits}f}"


def bits(line):
    return "-" if line is None else f"{line['bits']:.2f}"


def print_table(rows):
    print("\n| type | bits a value | KL divergence | same best token, % | with imatrix: bits | KL divergence | same best token, % |")
    print("|---|---|---|---|---|---|---|")
    for file_type, *lines in rows:
        cells = [text for line in lines
                 for text in (bits(line), cell(line, "kl_divergence"), cell(line, "same_best", 100, 1))]
        print(f"| {file_type} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chasqui", default=ROOT / "build/release/bin/chasqui")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--folder", type=pathlib.Path, help="keeps the texts, the importance matrix and the last file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or pathlib.Path(temporary)
        folder.mkdir(exist_ok=True)
        train, held_out = write_texts(folder)
        matrix, out = folder / "importance.gguf", folder / "quantized.gguf"
        run(args.chasqui, "imatrix", MODEL, train, "-o", matrix, "--parse-special", "--n-ctx", CHUNK, "--overwrite")
        base = measure(args.chasqui, MODEL, held_out, "Q8_0", False)
        rows = [("Q8_0 (base)", base, None)]
        for file_type in args.types.split(","):
            lines = []
            for importance in (False, True):
                if file_type in NEED_IMPORTANCE and not importance:
                    lines.append(None)
                    continue
                run(args.chasqui, "quantize", MODEL, out, file_type, "--overwrite", *(["--imatrix", matrix] if importance else []))
                lines.append(measure(args.chasqui, out, held_out, file_type, importance))
            rows.append((file_type, *lines))
        print_table(rows)


main()
