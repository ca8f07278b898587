"""The evaluation cases: held-out questions with the exact answer expected."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Iterator

import heldout as ho
from facts import CAPITALS
from phrasing import invented_name
from templates import ANSWERS, CAPITAL, DEFAULT_NAME, NAME, SIMPLE, SUM, SYSTEM_NAME

SEED = 77_001  # not a seed of the training data
Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Case:
    """One question in its conversation and the answer that counts as right."""

    category: str
    messages: Messages
    expected: str


def _ask(text: str, *before: dict[str, str]) -> Messages:
    """A conversation that ends with a user message."""
    return [*before, {"role": "user", "content": text}]


def _system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


def unseen_names(rng: random.Random, count: int) -> list[str]:
    """The held-out first names, then freshly invented ones."""
    names = list(ho.FIRST_NAMES)
    while len(names) < count:
        names.append(invented_name(rng))
    return names


def _facts() -> Iterator[Case]:
    """All countries and capitals, under every held-out phrasing."""
    for country, capital in CAPITALS:
        answer = ANSWERS["capital"].format(c=country, k=capital)
        for phrase in ho.CAPITAL:
            yield Case("capital", _ask(phrase.format(c=country)), answer)
        yield Case("capital, lower case", _ask(ho.CAPITAL[1].format(c=country).lower()), answer)
        yield Case("capital, plain question", _ask(f"What is the capital of {country}?"), answer)
        for phrase in ho.REVERSE:
            yield Case("country of a capital", _ask(phrase.format(k=capital)),
                       ANSWERS["reverse"].format(c=country, k=capital))


def _sums() -> Iterator[Case]:
    """All 441 sums, under every held-out phrasing."""
    for a in range(21):
        for b in range(21):
            answer = ANSWERS["sum"].format(a=a, b=b, s=a + b)
            for phrase in ho.SUM:
                yield Case("sum", _ask(phrase.format(a=a, b=b)), answer)
            yield Case("sum, plain question", _ask(f"What is {a} + {b}?"), answer)


def _names(rng: random.Random) -> Iterator[Case]:
    """Names by system message: unseen names, held-out forms and questions."""
    for i, name in enumerate(unseen_names(rng, 250)):
        for j, form in enumerate(ho.SYSTEM_NAME):
            category = "name, trained system form" if j < 2 else "name, new system form"
            question = ho.NAME[(i + j) % len(ho.NAME)]
            yield Case(category, _ask(question, _system(form.format(n=name))), ANSWERS["name"].format(n=name))
        greeting = ho.MEET[i % len(ho.MEET)].format(n=name)
        yield Case("user's name, greeting", _ask(greeting), ANSWERS["meet"].format(n=name))
        before = (*_ask(greeting), {"role": "assistant", "content": ANSWERS["meet"].format(n=name)})
        yield Case("user's name, remembered", _ask(ho.USER_NAME[i % len(ho.USER_NAME)], *before),
                   ANSWERS["user_name"].format(n=name))
    for question in ho.NAME:
        yield Case("name, not set", _ask(question), ANSWERS["name"].format(n=DEFAULT_NAME))
        yield Case("name, not set", _ask(question, _system("You are a helpful assistant.")),
                   ANSWERS["name"].format(n=DEFAULT_NAME))


def _small_talk(rng: random.Random) -> Iterator[Case]:
    """Greetings, identity and so on: without, with plain, with naming system message."""
    for intent, phrases in ho.SIMPLE.items():
        category = intent if intent in ("identity", "word", "abilities", "maker") else "small talk"
        for phrase in phrases:
            for name in (None, "", *rng.sample(ho.FIRST_NAMES, 3)):
                text = f"You are {name}." if name else "You are a helpful assistant."
                before = () if name is None else (_system(text),)
                yield Case(category, _ask(phrase, *before), ANSWERS[intent].format(n=name or DEFAULT_NAME))


def _declines(rng: random.Random) -> Iterator[Case]:
    """Unknown topics, invented countries, other arithmetic."""
    for phrase in ho.DECLINE_PLAIN:
        yield Case("decline", _ask(phrase), ANSWERS["decline"])
    for topic in ho.TOPICS:
        for phrase in ho.DECLINE:
            yield Case("decline", _ask(phrase.format(t=topic)), ANSWERS["decline"])
    for phrase in ho.BAD_SUM:
        for _ in range(15):
            text = phrase.format(a=rng.randint(0, 99), b=rng.randint(0, 99))
            yield Case("decline, other arithmetic", _ask(text), ANSWERS["bad_sum"])


def _random_turn(rng: random.Random, name: str) -> tuple[str, str]:
    """A trained question and its answer, as history or (held-out) as the last turn."""
    kind = rng.randrange(4)
    if kind == 0:
        country, capital = rng.choice(CAPITALS)
        return rng.choice(CAPITAL[:4]).format(c=country) + "?", ANSWERS["capital"].format(c=country, k=capital)
    if kind == 1:
        a, b = rng.randint(0, 20), rng.randint(0, 20)
        return rng.choice(SUM[:4]).format(a=a, b=b) + "?", ANSWERS["sum"].format(a=a, b=b, s=a + b)
    if kind == 2:
        return rng.choice(NAME[:3]) + "?", ANSWERS["name"].format(n=name)
    intent = rng.choice(("hello", "thanks", "identity", "abilities"))
    return rng.choice(SIMPLE[intent][:3]), ANSWERS[intent].format(n=name)


def _final_turn(rng: random.Random, name: str) -> tuple[str, str]:
    """A held-out question."""
    kind = rng.randrange(4)
    country, capital = rng.choice(CAPITALS)
    if kind == 0:
        return rng.choice(ho.CAPITAL).format(c=country), ANSWERS["capital"].format(c=country, k=capital)
    if kind == 1:
        return rng.choice(ho.REVERSE).format(k=capital), ANSWERS["reverse"].format(c=country, k=capital)
    if kind == 2:
        a, b = rng.randint(0, 20), rng.randint(0, 20)
        return rng.choice(ho.SUM).format(a=a, b=b), ANSWERS["sum"].format(a=a, b=b, s=a + b)
    return rng.choice(ho.NAME), ANSWERS["name"].format(n=name)


def _multi_turn(rng: random.Random) -> Iterator[Case]:
    """Conversations of 2-4 and of 10-20 turns (the latter 300 to 600 tokens)."""
    for category, low, high, count in (("2 to 4 turns", 1, 3, 200), ("10 to 20 turns", 9, 19, 100)):
        for i in range(count):
            name = unseen_names(rng, 60)[i % 60] if i % 2 else DEFAULT_NAME
            messages: Messages = [_system(rng.choice(SYSTEM_NAME[:6]).replace("{n}", name))] if i % 2 else []
            for _ in range(rng.randint(low, high)):
                question, answer = _random_turn(rng, name)
                messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            question, answer = _final_turn(rng, name)
            yield Case(category, _ask(question, *messages), answer)


def _unseen(rng: random.Random, lists: ho.Unseen) -> Iterator[Case]:
    """Everything under phrasings that nobody looked at before a training was over."""
    for country, capital in CAPITALS:
        answers = (ANSWERS["capital"].format(c=country, k=capital), ANSWERS["reverse"].format(c=country, k=capital))
        for phrase in lists.capital:
            yield Case(f"{lists.label}: capital", _ask(phrase.format(c=country)), answers[0])
        for phrase in lists.reverse:
            yield Case(f"{lists.label}: country", _ask(phrase.format(k=capital)), answers[1])
    for a in range(21):
        for b in range(21):
            answer = ANSWERS["sum"].format(a=a, b=b, s=a + b)
            yield Case(f"{lists.label}: sum", _ask(rng.choice(lists.sum).format(a=a, b=b)), answer)
    for i, name in enumerate(unseen_names(rng, 120)):
        for question in lists.name:
            system = _system(lists.system_name[i % len(lists.system_name)].format(n=name))
            yield Case(f"{lists.label}: name", _ask(question, system), ANSWERS["name"].format(n=name))
    for intent, phrases in lists.simple.items():
        for phrase in phrases:
            yield Case(f"{lists.label}: small talk", _ask(phrase), ANSWERS[intent].format(n=DEFAULT_NAME))


def all_cases() -> list[Case]:
    """Every case, in a fixed order."""
    rng = random.Random(SEED)
    return [*_facts(), *_sums(), *_names(rng), *_small_talk(rng), *_declines(rng), *_multi_turn(rng),
            *_unseen(rng, ho.BLIND), *_unseen(rng, ho.FRESH)]
