"""Phrasings, names and topics used ONLY to measure the model.

Nothing here may occur in the training set: the generator drops every message
that contains a held-out phrasing (`is_heldout`), and `assert_not_trained` is
called by train.py (on the whole set) and by evaluate.py (on a fresh sample).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable

CAPITAL = [
    "Name the city that serves as the capital of {c}.",
    "What is the name of the capital of {c}?",
    "I am looking for the capital of {c}.",
    "could you remind me what the capital of {c} is called",
    "Geography quiz! {c} has which city as its capital?",
]
REVERSE = [
    "Name the country whose capital is {k}.",
    "{k} serves as the capital of which country?",
    "what nation is {k} the capital of",
]
SUM = [
    "Work out {a} + {b} for me.",
    "What does {a} plus {b} equal?",
    "Find the total of {a} and {b}.",
    "could you figure out {a}+{b}",
]
NAME = [
    "Could you give me your name?",
    "What do people call you?",
    "I would love to know your name.",
    "so what are you called again",
    "How do you call yourself?",
]
SYSTEM_NAME = [
    "You are {n}.",          # the two documented forms stay in: the NAMES are unseen
    "Your name is {n}.",
    "From now on you are {n}.",
    "You go by the name {n}.",
    "You are a cheerful helper known as {n}. Answer in English.",
]
NEW_SYSTEM_NAME = SYSTEM_NAME[2:]
FIRST_NAMES = """
Nina Otto Ingrid Matthias Beatrice Quentin Rosalind Tobias Yvonne Wilhelm Dmitri
Consuelo Hiroshi Aisha Bartholomew Penelope Thaddeus Gwendolyn Ximena Olaf Zelda
Priya Kofi Leilani Mustafa Brigitte Caspian Delphine Ezekiel Fiona
""".split()
SIMPLE = {
    "hello": ["Hiya!", "Hello to you!", "hey, good day", "Hi hi!", "Hello dear model!"],
    "morning": ["A very good morning!", "hey, good morning", "Good morning, my friend!"],
    "evening": ["A very good evening!", "hey, good evening", "Good evening, my friend!"],
    "how_are_you": ["How are you this morning?", "How are you doing today?", "hey, how are you feeling"],
    "thanks": ["Thank you kindly!", "Thanks so much!", "wonderful, thank you", "Thanks for helping me."],
    "bye": ["Bye, see you!", "Goodbye, my friend!", "I have to leave now, bye", "See you next time!"],
    "identity": ["Can you say who you are?", "What kind of program is this?", "Are you some kind of AI?",
                 "please tell me a bit about yourself", "I would like to know what you are."],
    "word": ["Can you explain what a chasqui is?", "What is the origin of the word chasqui?",
             "what exactly was a chasqui", "Chasqui? What does that mean?"],
    "abilities": ["What sort of things can you do?", "What can you help me with?",
                  "which things are you able to do"],
    "maker": ["Do you know who made you?", "Who is the one that created you?", "who has trained you"],
    "no_user_name": ["Could you tell me what my name is?", "do you happen to know my name"],
}
MEET = ["Hi, you may call me {n}.", "Hello! The name is {n}.", "good morning, my name is {n}"]
USER_NAME = ["Do you still remember my name?", "Could you tell me what my name is?"]
TOPICS = ["ancient philosophy", "the price of oil", "sailing boats", "the solar system", "modern art",
          "the best pizza in town", "wild horses", "the traffic on the road to work", "glass windows",
          "marine biology", "how to repair a watch", "the results of the tennis match"]
DECLINE = ["Can you teach me about {t}?", "I have to write an essay about {t}.", "what is known about {t}"]
DECLINE_PLAIN = ["How many stars are in the sky?", "Who was the first king?", "What is the tallest building?",
                 "can you order a pizza for me", "Write a haiku.", "Who won the game yesterday?",
                 "What is the population of the largest city?", "How long does a flight take?"]
BAD_SUM = ["Work out {a} * {b}.", "What does {a} minus {b} equal?", "could you figure out {a} times {b}"]



@dataclass(frozen=True)
class Unseen:
    """Phrasings that nobody looked at before a training was over; `label` names them in the table of results."""

    label: str
    capital: list[str]
    reverse: list[str]
    sum: list[str]
    name: list[str]
    system_name: list[str]
    simple: dict[str, list[str]]


# Written while an earlier model was being trained, looked at when it was done, and therefore a development set like
# the lists above for the model that is shipped now.
BLIND = Unseen(
    label="blind",
    capital=["Do you recall which city is the capital of {c}?", "I bet you know the capital of {c}.",
             "My homework says: capital of {c}?"],
    reverse=["{k} happens to be the capital of which country?", "Do you recall which country has {k} for its capital?"],
    sum=["Quickly, how much does {a} plus {b} make?", "Please total up {a} and {b}.", "I would say {a} + {b} is what?"],
    name=["What shall I call you?", "Mind telling me your name?", "Under what name do you work?"],
    system_name=["Today your name will be {n}.", "The user will call you {n}.", "{n} is your name."],
    simple={
        "hello": ["Hello, good to meet you!", "hi, how nice to see you"],
        "thanks": ["Much appreciated, thanks!", "Thank you, this was great."],
        "bye": ["Bye then!", "Good bye and see you around!"],
        "identity": ["What exactly am I chatting with?", "Hi, who might you be?"],
        "word": ["What is meant by chasqui?", "In history, what was a chasqui?"],
        "abilities": ["What can you be used for?", "Which tasks can you do?"],
    })

# Written before the run that made the shipped model, from nothing and with everything else as it was: nothing has been
# changed since in the light of these.
FRESH = Unseen(
    label="fresh",
    capital=["In {c}, what city is the capital?", "Tell a traveller the capital of {c}.",
             "Which city would I visit to see the capital of {c}?"],
    reverse=["{k} is a capital, but of which country?", "Of what country is {k} the capital city?"],
    sum=["Let me know what {a} and {b} add up to.", "How about {a} + {b}, what is it?", "Sum of {a} and {b}, please."],
    name=["How should I address you?", "And your name would be?", "Tell me the name that you have."],
    system_name=["Your users know you as {n}.", "Act under the name of {n}.", "This assistant is named {n}."],
    simple={
        "hello": ["Hello again, friend!", "hi, good to be here"],
        "thanks": ["Thanks, that was useful!", "I thank you."],
        "bye": ["Bye, until tomorrow!", "So long, see you"],
        "identity": ["Tell me what you are, please.", "Are you a person or a program?"],
        "word": ["Explain the word chasqui to me.", "Chasqui, what is that?"],
        "abilities": ["What are you able to do for me?", "Name some things you can do."],
    })


def normalise(text: str) -> str:
    """Lower-case, keep letters, digits, slots and operators, single spaces."""
    text = re.sub(r"[^a-z0-9{}+*/=-]+", " ", text.lower())
    return re.sub(r"\s+", " ", text).strip()


def all_phrasings() -> list[str]:
    """Every held-out user phrasing, slots included."""
    lists: list[list[str]] = [CAPITAL, REVERSE, SUM, NAME, MEET, USER_NAME, DECLINE, DECLINE_PLAIN, BAD_SUM]
    lists.extend(SIMPLE.values())
    for unseen in (BLIND, FRESH):
        lists += [unseen.capital, unseen.reverse, unseen.sum, unseen.name, *unseen.simple.values()]
    return [phrase for group in lists for phrase in group]


def _as_regex(phrases: Iterable[str]) -> re.Pattern[str]:
    """One pattern that finds any phrase, with any text of 1-5 words in a slot."""
    parts = []
    for phrase in phrases:
        pieces = re.split(r"\{[a-z]\}", normalise(phrase))
        parts.append(r"\S+(?: \S+){0,4}".join(re.escape(piece) for piece in pieces))
    return re.compile(r"(?:^| )(?:" + "|".join(parts) + r")(?: |$)")


_USERS = _as_regex(all_phrasings())
_SYSTEMS = _as_regex(NEW_SYSTEM_NAME + BLIND.system_name + FRESH.system_name)


def is_heldout(message: str) -> bool:
    """True when a user message contains a held-out phrasing."""
    return _USERS.search(normalise(message)) is not None


def is_heldout_system(text: str) -> bool:
    """True when a system message contains a held-out form."""
    return _SYSTEMS.search(normalise(text)) is not None


def assert_not_trained(user_messages: Iterable[str], systems: Iterable[str], names: Iterable[str]) -> int:
    """Fail when a held-out phrasing, system form or name occurs in the material.

    The test is by sub-string after normalisation, so a held-out phrase with a
    trained prefix or suffix around it is found as well.  Returns how many
    distinct messages were looked at.
    """
    distinct = {normalise(message) for message in user_messages}
    for message in distinct:
        hit = _USERS.search(message)
        assert hit is None, f"held-out phrasing in the training set: {message!r}"
    for system in {normalise(text) for text in systems}:
        assert _SYSTEMS.search(system) is None, f"held-out system message trained: {system!r}"
    common = {name.lower() for name in names} & {name.lower() for name in FIRST_NAMES}
    assert not common, f"held-out names in the training set: {sorted(common)}"
    return len(distinct)
