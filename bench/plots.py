#!/usr/bin/env python3
"""Plots of what the other benchmarks measured, as PNG files.

    plots.py docs/plots/*.jsonl --out docs/plots        (needs: apt-get install python3-matplotlib)

Reads the JSON lines of run.py, serving_load.py, mixed_load.py, cold_start.py in any order and mixture, and draws those plots
that they have figures for. One row of PLOTS for each.
"""
import argparse
import json
import pathlib
import sys

try:
    import matplotlib
except ImportError:
    sys.exit("plots.py needs matplotlib; run: apt-get install python3-matplotlib (and use /usr/bin/python3)")
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

COLORS = {"chasqui": "#b5482a", "peer": "#4a6fa5", "limit": "#9a9a9a"}
MARKS = {"chasqui": "o", "peer": "s"}


def bench_rows(rows, what):
    """Rows of run.py (they have no "server") by format, sorted by count."""
    found = {}
    for row in sorted((r for r in rows if r["what"] == what and "chasqui" in r and not r["depth"]), key=lambda r: r["count"]):
        found.setdefault(row["format"], []).append(row)
    return found


def engines(rows, peer_name):
    return [("chasqui", "chasqui")] + ([("peer", peer_name)] if any("peer" in row for row in rows) else [])


def style_counts(axes, counts, label):
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel(label)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)


def draw_batches(rows, args):
    """Total tokens/s of decode by the number of sequences, one panel a format."""
    formats = {name: found for name, found in bench_rows(rows, "decode").items() if len(found) > 2}
    if not formats:
        return None
    figure, panels = pyplot.subplots(1, len(formats), figsize=(4.2 * len(formats), 3.4), squeeze=False, sharey=True)
    for axes, (name, found) in zip(panels[0], formats.items()):
        counts = [row["count"] for row in found]
        for key, label in engines(found, args.peer):
            some = [row for row in found if key in row]
            axes.plot([row["count"] for row in some], [row[key]["median"] for row in some], MARKS[key] + "-",
                      color=COLORS[key], label=label)
        axes.plot(counts, [row["limit"] for row in found], "--", color=COLORS["limit"], label="this machine's limit")
        axes.set_title(f"{found[0]['model']}, {name}", fontsize=10)
        style_counts(axes, counts, "sequences together")
    panels[0][0].set_ylabel("decode, tokens/s in total")
    panels[0][0].legend(fontsize=8)
    return figure


def draw_single(rows, args):
    """Prefill and decode of one sequence by format: bars beside the limit."""
    panels = [(what, [row for found in bench_rows(rows, what).values() for row in found[:1]])
              for what in ("prefill", "decode")]
    panels = [(what, found) for what, found in panels if found]
    if not panels:
        return None
    figure, drawn = pyplot.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.4), squeeze=False)
    for axes, (what, found) in zip(drawn[0], panels):
        for at, (key, label) in enumerate([*engines(found, args.peer), ("limit", "this machine's limit")]):
            values = [row[key] if key == "limit" else row.get(key, {}).get("median", 0) for row in found]
            axes.bar([x + 0.27 * at for x in range(len(found))], values, 0.25, color=COLORS[key], label=label)
        axes.set_xticks([x + 0.27 for x in range(len(found))], [row["format"] for row in found])
        axes.set_title(f"{what}{', 512 tokens' if what == 'prefill' else ', one sequence'}", fontsize=10)
        axes.set_ylabel("tokens/s")
        axes.legend(fontsize=8)
    return figure


def serving_rows(rows):
    """Rows of serving_load.py by (model, server), sorted by users."""
    found = {}
    for row in sorted((r for r in rows if r["what"] == "serving"), key=lambda r: r["users"]):
        found.setdefault(row["model"], {}).setdefault(row["server"], []).append(row)
    return found


def draw_serving(rows, args):
    """Tokens/s and time to first token by the number of users, one row of panels a model."""
    models = serving_rows(rows)
    if not models:
        return None
    figure, panels = pyplot.subplots(len(models), 2, figsize=(7.6, 2.9 * len(models)), squeeze=False)
    for (left, right), (model, found) in zip(panels, models.items()):
        for server, some in found.items():
            key = "chasqui" if server == "chasqui" else "peer"
            label = "chasqui" if server == "chasqui" else args.peer_server
            users = [row["users"] for row in some]
            rates = [row["prompt_tokens_per_s"] + row["tokens_per_s"] for row in some]
            left.plot(users, rates, MARKS[key] + "-", color=COLORS[key], label=label)
            for share, line in ((50, "-"), (99, ":")):
                right.plot(users, [row[f"ttft_ms_p{share}"] / 1e3 for row in some], MARKS[key] + line, color=COLORS[key],
                           label=f"{label}, p{share}")
        counts = sorted({row["users"] for some in found.values() for row in some})
        for axes, title in ((left, "tokens/s, prompts and answers"), (right, "seconds to the first token")):
            style_counts(axes, counts, "users")
            axes.set_title(f"{model}\n{title}", fontsize=9)
            axes.legend(fontsize=8)
    return figure


def draw_mixed(rows, args):
    """Gaps of a stream alone and beside a long prompt, with the time of one chunk."""
    found = [row for row in rows if row["what"] == "mixed_load"]
    if not found:
        return None
    names = (("quiet_gap_ms_p99", "gap alone, p99"), ("chunk_first_ms", "a chunk's tokens, empty cache"),
             ("chunk_last_ms", "a chunk's tokens, behind the long prompt"), ("gap_ms_p50", "gap beside it, p50"),
             ("gap_ms_p99", "gap beside it, p99"), ("gap_with_shorts_ms_p99", "gap with short prompts too, p99"),
             ("short_alone_ms", "short prompt alone, first token"), ("short_ttft_ms_p99", "short prompt behind it, p99"))
    figure, panels = pyplot.subplots(1, len(found), figsize=(5.4 * len(found), 3.2), squeeze=False, sharey=True)
    for axes, row in zip(panels[0], found):
        values = [row[key] for key, _ in names]
        axes.barh(range(len(names)), values, color=[COLORS["limit"] if "chunk" in key else COLORS["chasqui"] for key, _ in names])
        axes.set_yticks(range(len(names)), [label for _, label in names], fontsize=8)
        axes.set_xlabel("ms")
        axes.set_title(f"{row['model']}\na prompt of {row['long_tokens']} tokens arrives", fontsize=9)
        for at, value in enumerate(values):
            axes.text(value, at, f" {value:.0f}", va="center", fontsize=8)
        axes.margins(x=0.15)
    panels[0][0].invert_yaxis()
    return figure


PLOTS = (("single.png", draw_single), ("batches.png", draw_batches), ("serving.png", draw_serving), ("mixed_load.png", draw_mixed))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/plots"))
    parser.add_argument("--peer", default="llama.cpp", help="name of the peer of run.py")
    parser.add_argument("--peer-server", default="llama-server", help="name of the other server")
    args = parser.parse_args()
    rows = [json.loads(line) for path in args.files for line in path.read_text().splitlines()]
    args.out.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS:
        figure = draw(rows, args)
        if figure is None:
            continue
        figure.tight_layout()
        figure.savefig(args.out / name, dpi=80, metadata={"Software": None})
        pyplot.close(figure)
        print(args.out / name)


if __name__ == "__main__":
    main()
