"""Proof that the held-out phrasings were not trained on. Needs nothing but the standard library."""

from __future__ import annotations

import random
from typing import Callable, Iterator

import heldout
from corpus import Message, long_conversation, short_conversation
from facts import FIRST_NAMES


def conversations(seed: int, count: int, make: Callable[[random.Random], list[Message]]) -> Iterator[list[Message]]:
    """`count` conversations from one seeded source."""
    rng = random.Random(seed)
    for _ in range(count):
        yield make(rng)


def check_heldout(seed: int, short: int, long: int) -> int:
    """Assert over ALL training conversations that nothing held-out is in them."""
    users: list[str] = []
    systems: list[str] = []
    for source in (conversations(seed, short, short_conversation), conversations(seed + 1, long, long_conversation)):
        for messages in source:
            users += [m["content"] for m in messages if m["role"] == "user"]
            systems += [m["content"] for m in messages if m["role"] == "system"]
    return heldout.assert_not_trained(users, systems, FIRST_NAMES)
