"""From conversations to packed training rows: tokens, conversation numbers, targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator

import numpy as np

from bpe import ENDOFTEXT, Tokenizer, count_pieces, train_merges
from chatml import segments
from corpus import Message, short_conversation
from leakcheck import conversations

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
