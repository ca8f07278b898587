"""Generator of the training conversations: (system, user, assistant) messages.

A conversation keeps a small state (the assistant's name from the system message,
the user's name, the last topic) so that every answer is right in its context.
Run it to print a few conversations: `python3 corpus.py --show 5`.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass, field

import templates as tp
from facts import CAPITALS, UNKNOWN_TOPICS
from frames import framed, noisy, system_name
from heldout import is_heldout, is_heldout_system
from phrasing import any_name, dress, invented_name, training_name

Message = dict[str, str]
SEED = 1532  # of the training conversations

# How often each kind of turn is asked for (relative weights).
WEIGHTS = {"capital": 27, "reverse": 13, "sum": 24, "name": 10, "simple": 15, "meet": 3, "user_name": 4,
           "decline": 8, "bad_sum": 3, "fake_capital": 1.5, "echo": 4}
NOISE = 0.15
SIMPLE_WEIGHTS = {"hello": 4, "morning": 1, "evening": 1, "how_are_you": 2, "thanks": 2.5, "bye": 2.5, "praise": 1.5,
                  "identity": 5, "word": 2.5, "abilities": 2.5, "maker": 2}


@dataclass
class State:
    """What the answers of a conversation depend on."""

    name: str = tp.DEFAULT_NAME
    user: str | None = None
    last: str = ""
    messages: list[Message] = field(default_factory=list)

    def add(self, user: str, intent: str, **slots: str) -> None:
        """Append one question and its answer."""
        answer = tp.ANSWERS[intent].format(**slots)
        self.messages.append({"role": "user", "content": user})
        self.messages.append({"role": "assistant", "content": answer})


def country_spelling(rng: random.Random, country: str) -> str:
    """The country as a user writes it: 'the' may be missing."""
    if country.startswith("the ") and rng.random() < 0.35:
        return country[4:]
    return country


def _core(rng: random.Random, kind: str, written: list[str], framed_share: float = 0.45) -> str:
    """A core phrasing: hand-written or framed, sometimes with odd words; never a held-out one."""
    core = framed(rng, kind) if rng.random() < framed_share else rng.choice(written)
    if rng.random() < NOISE:
        core = noisy(rng, core, invented_name(rng).lower())
    return _core(rng, kind, written, framed_share) if is_heldout(core) else core


def _capital(rng: random.Random, state: State) -> None:
    country, capital = rng.choice(CAPITALS)
    follow = state.last == "capital" and rng.random() < 0.35
    core = rng.choice(tp.CAPITAL_FOLLOW) if follow else _core(rng, "capital", tp.CAPITAL)
    user = dress(rng, core, {"c": country_spelling(rng, country)}, plain=0.9 if follow else 0.5)
    state.add(user, "capital", c=country, k=capital)


def _reverse(rng: random.Random, state: State) -> None:
    country, capital = rng.choice(CAPITALS)
    follow = state.last == "reverse" and rng.random() < 0.3
    core = rng.choice(tp.REVERSE_FOLLOW) if follow else _core(rng, "reverse", tp.REVERSE)
    state.add(dress(rng, core, {"k": capital}, plain=0.9 if follow else 0.5), "reverse", c=country, k=capital)


def _sum(rng: random.Random, state: State) -> None:
    a, b = rng.randint(0, 20), rng.randint(0, 20)
    follow = state.last == "sum" and rng.random() < 0.3
    core = rng.choice(tp.SUM_FOLLOW) if follow else _core(rng, "sum", tp.SUM)
    user = dress(rng, core, {"a": str(a), "b": str(b)})
    state.add(user, "sum", a=str(a), b=str(b), s=str(a + b))


def _bad_sum(rng: random.Random, state: State) -> None:
    if rng.random() < 0.4:
        big, other = rng.randint(21, 999), rng.randint(0, 99)
        a, b = (big, other) if rng.random() < 0.5 else (other, big)
        core = _core(rng, "sum", tp.SUM)
    else:
        a, b = rng.randint(0, 99), rng.randint(0, 99)
        core = rng.choice(tp.BAD_SUM)
    state.add(dress(rng, core, {"a": str(a), "b": str(b)}), "bad_sum")


def _name(rng: random.Random, state: State) -> None:
    state.add(dress(rng, _core(rng, "name", tp.NAME), {}), "name", n=state.name)


def _meet(rng: random.Random, state: State) -> None:
    state.user = any_name(rng)
    state.add(dress(rng, rng.choice(tp.MEET), {"n": state.user}, plain=0.85), "meet", n=state.user)


def _user_name(rng: random.Random, state: State) -> None:
    user = dress(rng, rng.choice(tp.SIMPLE["no_user_name"]), {})
    if state.user is None:
        state.add(user, "no_user_name")
    else:
        state.add(user, "user_name", n=state.user)


def _simple(rng: random.Random, state: State) -> None:
    intent = rng.choices(list(SIMPLE_WEIGHTS), list(SIMPLE_WEIGHTS.values()))[0]
    user = dress(rng, rng.choice(tp.SIMPLE[intent]), {}, plain=0.6 if intent in ("identity", "word", "abilities",
                                                                                 "maker") else 0.95)
    state.add(user, intent, n=state.name)


def _decline(rng: random.Random, state: State) -> None:
    kind = rng.random()
    if kind < 0.40:
        core, slots = rng.choice(tp.DECLINE_TOPIC), {"t": rng.choice(UNKNOWN_TOPICS)}
    elif kind < 0.60:
        country = country_spelling(rng, rng.choice(CAPITALS)[0])
        core, slots = rng.choice(tp.DECLINE_COUNTRY), {"c": country}
    elif kind < 0.90:
        core, slots = rng.choice(tp.DECLINE_PLAIN), {}
    else:
        core, slots = rng.choice(tp.DECLINE_PERSON), {"n": any_name(rng)}
    state.add(dress(rng, core, slots, plain=0.7), "decline")


def _fake_capital(rng: random.Random, state: State) -> None:
    land = invented_name(rng) + rng.choice(("", "", "ia", "land", "stan"))
    state.add(dress(rng, _core(rng, "capital", tp.CAPITAL), {"c": land}), "decline")


def _echo(rng: random.Random, state: State) -> None:
    words = [training_name(rng) for _ in range(rng.randint(1, 4))]
    text = " ".join(word if rng.random() < 0.4 else word.lower() for word in words)
    state.add(rng.choice(tp.ECHO).replace("{x}", text), "echo", x=text)


TURNS = {"capital": _capital, "reverse": _reverse, "sum": _sum, "name": _name, "simple": _simple, "meet": _meet,
         "user_name": _user_name, "decline": _decline, "bad_sum": _bad_sum, "fake_capital": _fake_capital, "echo": _echo}


def _system(rng: random.Random, state: State, name_share: float) -> None:
    """Optionally a system message; it may set the assistant's name."""
    kind = rng.random()
    if kind < name_share:
        state.name = any_name(rng)
        form = system_name(rng) if rng.random() < 0.5 else rng.choice(tp.SYSTEM_NAME)
        assert not is_heldout_system(form), form
        parts = [form.replace("{n}", state.name)]
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3))):
            parts.insert(rng.randint(0, len(parts)), rng.choice(tp.SYSTEM_PLAIN))
    elif kind < name_share + 0.22:
        parts = rng.sample(tp.SYSTEM_PLAIN, rng.choice((1, 1, 1, 2, 3)))
    else:
        return
    state.messages.append({"role": "system", "content": " ".join(parts)})


def conversation(rng: random.Random, turns: int, name_share: float = 0.45) -> list[Message]:
    """One conversation with the given number of user turns."""
    state = State()
    _system(rng, state, name_share)
    weights = dict(WEIGHTS)
    if state.name != tp.DEFAULT_NAME:
        weights["name"] *= 3
        weights["capital"] *= 0.7
    for _ in range(turns):
        if state.user is not None:
            weights["user_name"] = 9
        same = state.last in ("capital", "reverse", "sum") and rng.random() < 0.25
        kind = state.last if same else rng.choices(list(weights), list(weights.values()))[0]
        TURNS[kind](rng, state)
        state.last = kind
    return state.messages


def short_conversation(rng: random.Random) -> list[Message]:
    """The usual case: one to five user turns."""
    return conversation(rng, rng.choice((1, 1, 1, 2, 2, 3, 4, 5)))


def long_conversation(rng: random.Random) -> list[Message]:
    """Many turns (about 250 to 600 tokens), for far positions and old names."""
    return conversation(rng, rng.randint(9, 20), name_share=0.6)


def main() -> None:
    """Print sample conversations, to look at what the model sees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    for _ in range(args.show):
        for message in short_conversation(rng):
            print(f"{message['role']:>9}: {message['content']}")
        print()


if __name__ == "__main__":
    main()
