"""Surface variety: prefixes, suffixes, letter case, punctuation, typos, names.

The model has to understand what is asked, not one spelling of it, so every core
phrasing of templates.py is dressed differently each time it is used.
"""

from __future__ import annotations

import random
import re
import string

import heldout
from facts import CAPITALS, FIRST_NAMES
from templates import PREFIX, SUFFIX

_QUESTION = re.compile(r"^(what|which|who|how|where|why|when|do|does|are|is|can|may|of which|in which|"
                       r"for which|could|would|will|have|did|whose|by what|did|under|should)\b")
_ONSETS = ("b bl br c ch cl cr d dr f fl fr g gl gr h j k kh kl kr l m n p ph pl pr qu r rh s sc sh sk sl sm "
           "sn sp st str sv sw t th tr ts tw v vl w wh x y z zh").split() + [""] * 6
_VOWELS = "a e i o u a e i o u ae ai au ay ea ee ei eo ia ie io oa oo ou oy ua ue ui y".split()
_CODAS = [""] * 12 + "b ck d f g k l ld ll m mp n nd ng nn ns nt p r rd rk rn rt s sh sk ss st t th tt v x z".split()
_WORDS = sorted({word.lower() for pair in CAPITALS for text in pair for word in re.findall("[A-Za-z]{3,}", text)}
                | {name.lower() for name in FIRST_NAMES})
_BANNED_NAMES = {name.lower() for name in heldout.FIRST_NAMES}


def invented_name(rng: random.Random) -> str:
    """A made-up name; copying it cannot be learned by heart, only as copying."""
    kind = rng.random()
    if kind < 0.12:
        letters = rng.choices(string.ascii_lowercase, k=rng.randint(2, 9))
        name = "".join(letters).capitalize()
    else:
        count = rng.choice((1, 2, 2, 2, 3, 3, 4))
        name = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(count)).capitalize()
    if rng.random() < 0.03:
        name += rng.choice(("-", "", " ")) + str(rng.randint(1, 99))
    return name


def fragment_name(rng: random.Random) -> str:
    """A name out of pieces of known words, so that every token gets to be copied."""
    parts = []
    for _ in range(rng.choice((1, 2, 2, 3))):
        word = rng.choice(_WORDS)
        start = rng.choice((0, 0, rng.randrange(len(word))))
        parts.append(word[start:start + rng.randint(2, 6)])
    return "".join(parts).capitalize()


def training_name(rng: random.Random) -> str:
    """An invented name of either kind."""
    name = fragment_name(rng) if rng.random() < 0.4 else invented_name(rng)
    return training_name(rng) if name.lower() in _BANNED_NAMES else name


def any_name(rng: random.Random) -> str:
    """A first name from the table or an invented one, sometimes two words."""
    name = rng.choice(FIRST_NAMES) if rng.random() < 0.25 else training_name(rng)
    if rng.random() < 0.05:
        name += " " + (rng.choice(FIRST_NAMES) if rng.random() < 0.5 else training_name(rng))
    if rng.random() < 0.04:
        name = name.lower()
    if any(part.lower() in _BANNED_NAMES for part in name.split()):
        return any_name(rng)
    return name


def _typo(rng: random.Random, text: str) -> str:
    """One slip (swap, drop, double) inside a word of the text outside slots."""
    spots = [m for m in re.finditer(r"\{\w\}|[a-z]{4,}", text) if not m.group().startswith("{")]
    if not spots:
        return text
    word = rng.choice(spots)
    i = rng.randint(word.start() + 1, word.end() - 2)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:i] + text[i + 1] + text[i] + text[i + 2:]
    if kind == 1:
        return text[:i] + text[i + 1:]
    return text[:i] + text[i] + text[i:]


def _fill(template: str, slots: dict[str, str]) -> str:
    """Put the slot values in; unlike str.format it leaves other braces alone."""
    return re.sub(r"\{(\w)\}", lambda m: slots[m.group(1)], template)


def _punctuate(rng: random.Random, text: str, question: bool) -> str:
    """Final punctuation as people type it: right, missing, or doubled."""
    if text[-1] in "?!.=":
        return text
    if question:
        return text + rng.choice(("?", "?", "?", "?", "?", "", "", "??", " ?", ".", "?!"))
    return text + rng.choice(("", "", ".", ".", ".", "!", "?"))


def dress(rng: random.Random, core: str, slots: dict[str, str], plain: float = 0.5) -> str:
    """One user message from a core phrasing; never one of the held-out ones.

    `plain` is the share that gets neither prefix nor suffix.
    """
    while True:
        text = _dress_once(rng, core, slots, plain)
        if not heldout.is_heldout(text):
            return text


def _dress_once(rng: random.Random, core: str, slots: dict[str, str], plain: float) -> str:
    """Prefix, suffix, typo, case and punctuation, each with its own chance."""
    text, question = core, bool(_QUESTION.match(core)) or "{" in core
    if rng.random() >= plain:
        if rng.random() < 0.75:
            text = rng.choice(PREFIX) + " " + text
        if rng.random() < 0.40:
            suffix = rng.choice(SUFFIX)
            text += suffix if suffix[0] in ",?" else " " + suffix
    if rng.random() < 0.08:
        text = _typo(rng, text)
    text = _punctuate(rng, text, question)
    style = rng.random()
    if style < 0.62:
        text = re.sub(r"(^|[.!?:] )([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)
        text = re.sub(r"\bi\b", "I", text)
    filled = _fill(text, slots)
    if style > 0.80 and not {"n"} & slots.keys():
        filled = filled.lower() if style < 0.975 else filled.upper()
    if filled[0].islower() and style < 0.62:
        filled = filled[0].upper() + filled[1:]
    return filled
