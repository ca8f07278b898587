"""Train the demo model and write the GGUF file.

    python3 train.py --work DIR --steps N --out models/demo/chasqui-demo.gguf

With --init it goes on from a model file (its weights and its tokenizer), with
--minutes it ends after that time at the latest and the learning rate follows
the clock where that is ahead of the steps.  Everything is seeded; the packed data, the log and the checkpoint live in the
work folder, which should be outside the repository.
"""

from __future__ import annotations

import argparse
import math
import pickle
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import corpus
import dataset
import leakcheck
import gguf_reader
from bpe import Tokenizer
from corpus import long_conversation, short_conversation
from dataset import Rows
from export import export
from model import Config, Llama

LONG_SHARE = 0.15


def prepare(args: argparse.Namespace) -> tuple[Tokenizer, Rows, Rows]:
    """Tokenizer and packed rows; cached in the work folder (delete to rebuild)."""
    cache = args.work / f"data-{args.seed}-{args.short}-{args.long}-{Config().vocab}-{bool(args.init)}.pickle"
    if cache.exists():
        return pickle.loads(cache.read_bytes())
    start = time.time()
    distinct = leakcheck.check_heldout(args.seed, args.short, args.long)
    print(f"held-out check passed: {distinct} distinct user messages, {time.time() - start:.0f} s", flush=True)
    if args.init:
        merges = gguf_reader.read(args.init)[0]["tokenizer.ggml.merges"]
        tokenizer = Tokenizer([tuple(merge.split(" ")) for merge in merges])
    else:
        tokenizer = dataset.build_tokenizer(args.seed, Config().vocab)
    short = dataset.pack(tokenizer, leakcheck.conversations(args.seed, args.short, short_conversation),
                         dataset.SHORT_ROW)
    long = dataset.pack(tokenizer, leakcheck.conversations(args.seed + 1, args.long, long_conversation),
                        dataset.LONG_ROW)
    for rows in (short, long):
        print(f"rows {rows.tokens.shape}, filled {(rows.docs > 0).mean():.3f}, answers {rows.answer.mean():.3f}")
    print(f"data ready after {time.time() - start:.0f} s", flush=True)
    cache.write_bytes(pickle.dumps((tokenizer, short, long)))
    return tokenizer, short, long


class Feeder:
    """Batches in a seeded random order, every row once per epoch."""

    def __init__(self, rows: Rows, size: int, seed: int) -> None:
        """Start before the first epoch."""
        self.rows, self.size, self.rng = rows, size, np.random.default_rng(seed)
        self.order = np.zeros(0, np.int64)

    def next(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """tokens, docs, flat positions with a loss, and the token wanted there."""
        if len(self.order) < self.size:
            self.order = self.rng.permutation(len(self.rows))
        pick, self.order = self.order[:self.size], self.order[self.size:]
        tokens = torch.from_numpy(self.rows.tokens[pick].astype(np.int64))
        docs = torch.from_numpy(self.rows.docs[pick].astype(np.int64))
        answer = torch.from_numpy(self.rows.answer[pick])
        wanted = torch.zeros_like(answer)
        wanted[:, :-1] = answer[:, 1:]
        positions = wanted.flatten().nonzero().squeeze(1)
        return tokens, docs, positions, tokens.flatten()[positions + 1]


def make_optimizer(model: Llama, args: argparse.Namespace) -> torch.optim.AdamW:
    """AdamW; no weight decay on the norms."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": args.decay},
                              {"params": vectors, "weight_decay": 0.0}], lr=args.lr, betas=(0.9, 0.98), foreach=True)


def initial_weights(model: Llama, path: Path) -> None:
    """Start from a model file instead of from random weights."""
    tensors = gguf_reader.read(path)[1]
    model.load_state_dict({name[:-len(".weight")]: torch.tensor(value) for name, value in tensors.items()})


def progress(step: int, seconds: float, args: argparse.Namespace) -> float:
    """How much of the run is over, by steps or by the clock, whichever is more."""
    by_clock = seconds / (60 * args.minutes) if args.minutes else 0.0
    return max(step / args.steps, by_clock)


def learning_rate(step: int, done: float, args: argparse.Namespace) -> float:
    """Linear warm-up, and a cosine down to 2 % of the peak."""
    if step < args.warmup:
        return args.lr * (step + 1) / args.warmup
    return args.lr * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def train(model: Llama, short: Rows, long: Rows, args: argparse.Namespace) -> float:
    """The training loop; returns the mean loss of the last 200 steps."""
    optimizer = make_optimizer(model, args)
    feeders = (Feeder(short, args.batch, args.seed), Feeder(long, max(1, args.batch // 5), args.seed + 1))
    choose = np.random.default_rng(args.seed + 2)
    losses: list[float] = []
    tokens_seen, start = 0, time.time()
    for step in range(args.steps):
        done = progress(step, time.time() - start, args)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, done, args)
        tokens, docs, positions, target = feeders[int(choose.random() < LONG_SHARE)].next()
        loss = F.cross_entropy(model(tokens, docs, positions), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        tokens_seen += tokens.numel()
        if (step + 1) % 50 == 0:
            seconds = time.time() - start
            print(f"step {step + 1} loss {np.mean(losses[-50:]):.4f} tokens {tokens_seen / 1e6:.2f} M "
                  f"{tokens_seen / seconds:.0f} tok/s {seconds:.0f} s", flush=True)
        if (step + 1) % args.save_every == 0:
            torch.save(model.state_dict(), args.work / "checkpoint.pt")
    print(f"{len(losses)} steps, {time.time() - start:.0f} s", flush=True)
    return float(np.mean(losses[-200:]))


def parse_args() -> argparse.Namespace:
    """Command line; the defaults are those of the shipped model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--short", type=int, default=150000, help="number of short conversations")
    parser.add_argument("--long", type=int, default=8000, help="number of long conversations")
    parser.add_argument("--batch", type=int, default=32, help="rows per step")
    parser.add_argument("--minutes", type=float, default=0, help="end after this time at the latest")
    parser.add_argument("--init", type=Path, help="model file to go on from")
    parser.add_argument("--seed", type=int, default=corpus.SEED)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--warmup", type=int, default=150)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-every", type=int, default=500)
    return parser.parse_args()


def main() -> None:
    """Prepare the data, train, export."""
    args = parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer, short, long = prepare(args)
    model = Llama(Config())
    if args.init:
        initial_weights(model, args.init)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    loss = train(model, short, long, args)
    export(args.out, model.state_dict(), model.config, tokenizer)
    print(f"wrote {args.out.name}: {args.out.stat().st_size} bytes, last loss {loss:.5f}", flush=True)


if __name__ == "__main__":
    main()
