"""Quick checks of the numpy-only parts: `python3 selftest.py` (seconds, no torch)."""

from __future__ import annotations

import random
import tempfile
import unittest
from pathlib import Path

import numpy as np

import gguf_reader
import gguf_writer
import heldout
from bpe import Tokenizer, count_pieces, pre_split_pattern, train_merges
from chatml import render, segments
from corpus import long_conversation, short_conversation
from facts import CAPITALS


class BpeTest(unittest.TestCase):
    """The tokenizer must be loss-free and split digits."""

    def test_pre_split(self) -> None:
        """The pieces of the published qwen2 pattern, worked out by hand."""
        split = pre_split_pattern().findall
        self.assertEqual(split("What's 17 + 5?"), ["What", "'s", " ", "1", "7", " +", " ", "5", "?"])
        self.assertEqual(split("a  b\n\n c"), ["a", " ", " b", "\n\n", " c"])
        self.assertEqual(split("São_x"), ["São", "_x"])

    def test_round_trip(self) -> None:
        """Any text comes back, also with bytes that were never trained."""
        tokenizer = Tokenizer(train_merges(count_pieces(["hello hello yellow", "hell 12"]), 6))
        for text in ("hello yellow 123", "日本 ✓ \t x", ""):
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)


class GgufTest(unittest.TestCase):
    """Writer and reader must agree."""

    def test_round_trip(self) -> None:
        """Metadata of every type used, a matrix (Q8_0) and a vector (F32)."""
        rng = np.random.default_rng(7)
        matrix, vector = rng.normal(size=(3, 64)).astype("f4"), rng.normal(size=5).astype("f4")
        meta = {"a": 3, "b": 0.5, "c": "text", "d": True, "e": ["x", "y"], "f": gguf_writer.Int32Array([1, -2])}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "t.gguf"
            gguf_writer.write(path, meta, {"m": matrix, "v": vector})
            back, tensors = gguf_reader.read(path)
        self.assertEqual(back, meta)
        np.testing.assert_array_equal(tensors["v"], vector)
        step = np.abs(matrix.reshape(-1, 32)).max(1, keepdims=True) / 127
        self.assertTrue((np.abs(tensors["m"] - matrix).reshape(-1, 32) <= step * 0.57).all())


class CorpusTest(unittest.TestCase):
    """The generator must be seeded, right, and free of held-out phrasings."""

    def test_seeded(self) -> None:
        """The same seed gives the same conversation."""
        self.assertEqual(short_conversation(random.Random(5)), short_conversation(random.Random(5)))

    def test_facts(self) -> None:
        """At least 120 countries, no country and no capital twice."""
        self.assertGreaterEqual(len(CAPITALS), 120)
        for column in zip(*CAPITALS):
            self.assertEqual(len(set(column)), len(column))

    def test_answers(self) -> None:
        """Capital answers name a pair of the table, sums add up."""
        rng, seen = random.Random(11), 0
        for _ in range(300):
            for message in long_conversation(rng):
                text = message["content"]
                if message["role"] == "assistant" and text.startswith("The capital of "):
                    country, capital = text[len("The capital of "):-1].split(" is ")
                    self.assertIn((country, capital), CAPITALS)
                    seen += 1
                if message["role"] == "assistant" and " = " in text:
                    left, right = text[:-1].split(" = ")
                    self.assertEqual(sum(map(int, left.split(" + "))), int(right))
                    seen += 1
        self.assertGreater(seen, 500)

    def test_heldout(self) -> None:
        """Held-out phrasings are recognised inside longer messages."""
        self.assertTrue(heldout.is_heldout("Hey, WORK OUT 3 + 4 for me please!"))
        self.assertFalse(heldout.is_heldout("What is 3 + 4?"))

    def test_segments(self) -> None:
        """The training pieces join to the rendered conversation."""
        messages = short_conversation(random.Random(3))
        joined = "".join(text for text, _ in segments(messages))
        self.assertEqual(joined + "\n", render(messages, generation_prompt=False))


if __name__ == "__main__":
    unittest.main()
