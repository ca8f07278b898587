"""From conversations to packed training rows: tokens, conversation numbers, targets."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Callable, Iterator

import numpy as np

import heldout
from bpe import ENDOFTEXT, Tokenizer, count_pieces, train_merges
from chatml import segments
from corpus import Message, long_conversation, short_conversation
from facts import FIRST_NAMES

SHORT_ROW, LONG_ROW = 192, 640
OPEN_ROWS = 24


@dataclass
class Rows:
    """Packed rows of one length; `answer` marks tokens that are to be predicted."""

    tokens: np.ndarray
    docs: np.ndarray
    answer: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass
class _Row:
    """A row that is being filled."""

    ids: list[int] = field(default_factory=list)
    docs: list[int] = field(default_factory=list)
    answer: list[bool] = field(default_factory=list)

    def add(self, ids: list[int], answer: list[bool]) -> None:
        """Append one conversation under the next number."""
        number = self.docs[-1] + 1 if self.docs else 1
        self.ids += ids
        self.docs += [number] * len(ids)
        self.answer += answer


def conversations(seed: int, count: int, make: Callable[[random.Random], list[Message]]) -> Iterator[list[Message]]:
    """`count` conversations from one seeded source."""
    rng = random.Random(seed)
    for _ in range(count):
        yield make(rng)


def build_tokenizer(seed: int, vocab: int, sample: int = 20000) -> Tokenizer:
    """Learn the merges from a sample of conversations (role words included)."""
    def texts() -> Iterator[str]:
        for messages in conversations(seed, sample, short_conversation):
            for message in messages:
                yield message["role"]
                yield message["content"]

    return Tokenizer(train_merges(count_pieces(texts()), vocab - 256 - 3))


def _encode(tokenizer: Tokenizer, messages: list[Message], limit: int) -> tuple[list[int], list[bool]]:
    """Tokens of a conversation and which of them belong to answers."""
    ids: list[int] = []
    answer: list[bool] = []
    for text, is_answer in segments(messages):
        part = tokenizer.encode(text)
        if len(ids) + len(part) > limit:
            break
        ids += part
        answer += [is_answer] * len(part)
    return ids, answer


def pack(tokenizer: Tokenizer, source: Iterator[list[Message]], length: int) -> Rows:
    """Put whole conversations into rows; what is left of a row is padding.

    Each goes to the fullest of a few open rows it fits in.
    """
    pad = tokenizer.ids[ENDOFTEXT]
    rows: list[_Row] = []
    open_rows: list[_Row] = []
    for messages in source:
        ids, answer = _encode(tokenizer, messages, length)
        fits = [row for row in open_rows if len(row.ids) + len(ids) <= length]
        if fits:
            row = max(fits, key=lambda candidate: len(candidate.ids))
        else:
            row = _Row()
            rows.append(row)
            open_rows.append(row)
            if len(open_rows) > OPEN_ROWS:
                open_rows.remove(max(open_rows, key=lambda candidate: len(candidate.ids)))
        row.add(ids, answer)
    out = Rows(np.full((len(rows), length), pad, np.int16), np.zeros((len(rows), length), np.uint8),
               np.zeros((len(rows), length), bool))
    for i, row in enumerate(rows):
        used = len(row.ids)
        out.tokens[i, :used], out.docs[i, :used], out.answer[i, :used] = row.ids, row.docs, row.answer
    return out


def check_heldout(seed: int, short: int, long: int) -> int:
    """Assert over ALL training conversations that nothing held-out is in them."""
    users: list[str] = []
    systems: list[str] = []
    for source in (conversations(seed, short, short_conversation), conversations(seed + 1, long, long_conversation)):
        for messages in source:
            users += [m["content"] for m in messages if m["role"] == "user"]
            systems += [m["content"] for m in messages if m["role"] == "system"]
    return heldout.assert_not_trained(users, systems, FIRST_NAMES)
