"""Byte-level BPE: pre-split with the published qwen2 pattern, trainer, encoder.

The pre-split gives every digit its own piece, so digits are single tokens and
the model can read numbers digit by digit.  Pure Python on purpose: the `regex`
module (with \\p{L}) may be absent, so the letter and number classes are built
from unicodedata.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache
from typing import Iterable

ENDOFTEXT, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIALS = (ENDOFTEXT, IM_START, IM_END)


def _category_class(initial: str) -> str:
    """The inside of a character class with all code points of a category."""
    ranges, start, last = [], -1, -2
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] != initial:
            continue
        if code != last + 1:
            if start >= 0:
                ranges.append((start, last))
            start = code
        last = code
    ranges.append((start, last))
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in ranges)


@lru_cache(maxsize=1)
def pre_split_pattern() -> re.Pattern[str]:
    """The qwen2 pre-tokeniser pattern, spelled for the standard re module."""
    letter, number = _category_class("L"), _category_class("N")
    return re.compile(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
        rf"|[^\r\n{letter}{number}]?[{letter}]+|[{number}]"
        rf"| ?[^\s{letter}{number}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")


@lru_cache(maxsize=1)
def byte_symbols() -> list[str]:
    """GPT-2's printable stand-in character for each of the 256 bytes."""
    direct = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {byte: chr(byte) for byte in direct}
    spare = 0
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + spare)
            spare += 1
    return [table[byte] for byte in range(256)]


def _symbols(piece: str) -> tuple[str, ...]:
    """A pre-split piece as a tuple of byte symbols."""
    table = byte_symbols()
    return tuple(table[byte] for byte in piece.encode("utf-8"))


def _merge_word(word: tuple[str, ...], left: str, right: str) -> tuple[str, ...]:
    """The word with every (left, right) neighbour pair joined."""
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and word[i] == left and word[i + 1] == right:
            out.append(left + right)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


def count_pieces(texts: Iterable[str]) -> Counter[tuple[str, ...]]:
    """How often each pre-split piece occurs in the texts."""
    pieces: Counter[str] = Counter()
    pattern = pre_split_pattern()
    for text in texts:
        pieces.update(pattern.findall(text))
    return Counter({_symbols(piece): count for piece, count in pieces.items()})


def train_merges(pieces: Counter[tuple[str, ...]], count: int) -> list[tuple[str, str]]:
    """The `count` most useful merges; ties are broken by spelling (determinism)."""
    words = [list(item) for item in sorted(pieces.items())]
    pairs: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], set[int]] = defaultdict(set)
    for index, (word, freq) in enumerate(words):
        for pair in zip(word, word[1:]):
            pairs[pair] += freq
            where[pair].add(index)
    merges: list[tuple[str, str]] = []
    while len(merges) < count:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for index in where.pop(best):
            word, freq = words[index]
            for pair in zip(word, word[1:]):
                pairs[pair] -= freq
            words[index][0] = word = _merge_word(word, *best)
            for pair in zip(word, word[1:]):
                pairs[pair] += freq
                where[pair].add(index)
        del pairs[best]
        if len(merges) % 256 == 0:
            pairs = Counter({pair: n for pair, n in pairs.items() if n > 0})
    return merges


class Tokenizer:
    """Encoder and decoder for a list of merges; control tokens come last."""

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        """Token ids: 256 bytes, one per merge, then the control tokens."""
        self.merges = merges
        self.tokens = byte_symbols() + [a + b for a, b in merges] + list(SPECIALS)
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        assert len(self.ids) == len(self.tokens), "two merges give the same token"
        self._rank = {pair: i for i, pair in enumerate(merges)}
        self._cache: dict[str, list[int]] = {}
        self._special = re.compile("(" + "|".join(re.escape(s) for s in SPECIALS) + ")")
        self._bytes = {symbol: byte for byte, symbol in enumerate(byte_symbols())}

    def _encode_piece(self, piece: str) -> list[int]:
        """Apply the merges to one piece, lowest rank first."""
        if piece in self._cache:
            return self._cache[piece]
        word = _symbols(piece)
        while len(word) > 1:
            pair = min(zip(word, word[1:]), key=lambda p: self._rank.get(p, sys.maxsize))
            if pair not in self._rank:
                break
            word = _merge_word(word, *pair)
        self._cache[piece] = ids = [self.ids[symbol] for symbol in word]
        return ids

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; control tokens are recognised in it."""
        out: list[int] = []
        for part in self._special.split(text):
            if part in SPECIALS:
                out.append(self.ids[part])
            elif part:
                for piece in pre_split_pattern().findall(part):
                    out.extend(self._encode_piece(piece))
        return out

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids; control tokens are left out."""
        symbols = "".join(self.tokens[i] for i in ids if self.tokens[i] not in SPECIALS)
        return bytes(self._bytes[s] for s in symbols).decode("utf-8", errors="replace")
