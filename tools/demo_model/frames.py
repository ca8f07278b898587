"""Phrasings put together from parts: a frame ("could you tell me") and an object.

The hand-written lists of templates.py alone are learned by heart; the product of
frames and objects is large enough that the model has to look for what is asked.
For the same reason `noisy` swaps a word that does not matter for an odd one.
"""

from __future__ import annotations

import random
import re

# Frames that take a noun phrase ("the capital of {c}").
NOUN_FRAMES = [
    "tell me", "say", "give me", "name", "find", "state", "show me", "write", "write down", "let me know",
    "i want to know", "i wanted to ask about", "i wonder about", "can you tell me", "could you tell me",
    "could you give me", "could you say", "could you find", "could you name", "would you tell me", "would you say",
    "will you tell me", "can you find out", "could you work on", "i need to find", "i am searching for",
    "i need", "remind me of", "do you happen to have", "what is", "what's", "what was", "what could be", "i have to know",
    "help me with", "help me find", "i am asking for", "i am curious about", "i would like to hear", "i'd like to have",
    "may i ask for", "may i know", "i cannot remember", "i do not remember", "i keep forgetting", "look up", "look for",
    "i am interested in", "check", "report", "reply with", "answer with", "the answer should be", "determine",
    "guess", "share", "just say", "just give me", "tell us", "tell my friend", "we want to know", "we need",
    "they ask for", "he wants to know", "she asks for", "my friend wants", "the question is", "type", "print",
    "let us find", "explain to me", "can i have", "could i have", "could i get", "can you get me", "do tell me"]
# Frames that take an indirect question ("what the capital of {c} is").
CLAUSE_FRAMES = [
    "tell me", "say", "let me know", "i want to know", "i wonder", "can you tell me", "could you tell me",
    "could you say", "would you tell me", "do you know", "do you remember", "did they tell you", "will you tell me",
    "please explain", "i need to know", "i have to know", "i would like to hear", "i forgot", "i am not sure",
    "i do not remember", "can you say", "do you have any idea", "have you any idea", "try to remember", "show me",
    "we want to know", "my friend asks", "she asks", "he asked me", "can you find out", "could you find out",
    "could you check", "write down", "would you know", "may i ask", "let me ask", "it would be nice to know"]

CAPITAL_NOUNS = ["the capital of {c}", "the capital city of {c}", "{c}'s capital", "{c}'s capital city", "the capital for {c}",
                 "the name of {c}'s capital", "the capital that {c} has", "the capital in {c}", "the city that is the capital of {c}"]
CAPITAL_CLAUSES = ["what the capital of {c} is", "which city is the capital of {c}", "what {c}'s capital is",
                   "what city {c} has as its capital", "which capital {c} has", "which city the capital of {c} is",
                   "how {c}'s capital is called", "what the capital city of {c} is"]
REVERSE_NOUNS = ["the country that has {k} as its capital", "the nation with the capital {k}", "the country of the capital {k}",
                 "the country with {k} as capital", "the country governed from {k}", "the state with the capital {k}",
                 "the country to which the capital {k} belongs"]
REVERSE_CLAUSES = ["which country {k} is the capital of", "which country has {k} as its capital", "whose capital {k} is",
                   "what country the capital {k} is in", "of which nation {k} is the capital", "where {k} is the capital",
                   "which state has its capital in {k}", "which land {k} is the capital of"]
SUM_NOUNS = ["the sum of {a} and {b}", "{a} + {b}", "{a}+{b}", "{a} plus {b}", "the result of {a} + {b}", "the answer to {a}+{b}",
             "the result of {a} plus {b}", "the sum {a} + {b}", "{a} and {b} added up", "the value of {a} + {b}",
             "the result when {b} is added to {a}", "the solution of {a} + {b}", "the addition of {a} and {b}"]
SUM_CLAUSES = ["what {a} + {b} is", "how much {a} plus {b} is", "what {a} and {b} make together", "what {a}+{b} is",
               "what {a} plus {b} gives", "how much {a} and {b} are", "what the sum of {a} and {b} is",
               "what you get from {a} + {b}", "how many {a} plus {b} are"]
NAME_NOUNS = ["your name", "your first name", "the name you have", "the name you were given", "the name you use",
              "your own name", "the name of this assistant", "the name they gave you", "the name i can use for you"]
NAME_CLAUSES = ["what your name is", "how you are called", "what you are called", "what name you have", "which name you use",
                "how i should call you", "what i can call you", "how they call you", "what others call you",
                "who you are by name", "by what name they know you"]

# System messages that set a name: subject and verb, then {n}.
SYSTEM_SUBJECTS = ["Your name", "The name of the assistant", "The assistant's name", "Your first name", "The name you have",
                   "Your new name", "your name", "The bot's name", "The name of this bot", "Your chat name"]
SYSTEM_VERBS = ["is", "will be", "shall be", "should be", "must be", "is now", "has to be", "was always", "is simply", "remains"]
SYSTEM_PHRASES = ["We will call you {n}.", "People may call you {n}.", "Everybody calls you {n}.", "You shall be {n}.",
                  "You will be {n}.", "You must be {n}.", "They know you as {n}.", "You are to be called {n}.", "I call you {n}.",
                  "Your users call you {n}.", "Answer as {n}.", "Reply as {n}.", "Introduce yourself as {n}.", "Always be {n}.",
                  "If asked, you are {n}.", "When asked for a name, say {n}.", "Say that you are {n}.", "You were named {n}.",
                  "The bot {n} is what you are.", "{n} is the assistant.", "{n} is the name of the assistant.", "{n} is who you are."]
SYSTEM_LEADS = ["Please note:", "Hello,", "For this chat,", "In this talk,", "Remember:", "Important:", "Hi.", "Rule one:",
                "Note that", "As of now,", "While you work here,", "For all users,", "Here,", "Now,", "Listen:"]

PARTS = {"capital": (CAPITAL_NOUNS, CAPITAL_CLAUSES), "reverse": (REVERSE_NOUNS, REVERSE_CLAUSES),
         "sum": (SUM_NOUNS, SUM_CLAUSES), "name": (NAME_NOUNS, NAME_CLAUSES)}

# Words that carry the meaning; noise leaves them alone.
_KEY = re.compile(r"\{\w\}.*|capita.*|captial|countr.*|nation|land|state|city|name.*|you.*|my|me|call.*|plus|sum.*|add.*|total|"
                  r"more|together|i|who|whose|ur|whats|.*[^a-z].*")
_FILLERS = ("really quickly exactly maybe big lovely certain famous great real proper now here there simply "
            "kindly honestly surely old new little good finally actually probably currently normally again once "
            "serve know hold make keep think seem take bring being used within inside under about quite very "
            "much every given known right nice clear friendly dear simple special main whole same other").split()


def framed(rng: random.Random, kind: str) -> str:
    """A core phrasing made of a frame and an object."""
    nouns, clauses = PARTS[kind]
    if rng.random() < 0.6:
        return f"{rng.choice(NOUN_FRAMES)} {rng.choice(nouns)}"
    return f"{rng.choice(CLAUSE_FRAMES)} {rng.choice(clauses)}"


def system_name(rng: random.Random) -> str:
    """A system message made of parts that sets the name {n}."""
    if rng.random() < 0.5:
        text = f"{rng.choice(SYSTEM_SUBJECTS)} {rng.choice(SYSTEM_VERBS)} {{n}}."
    else:
        text = rng.choice(SYSTEM_PHRASES)
    if rng.random() < 0.4 and not text.startswith("{n}"):
        text = f"{rng.choice(SYSTEM_LEADS)} {text[0].lower()}{text[1:]}"
    return text


def noisy(rng: random.Random, core: str, odd_word: str) -> str:
    """The core with one or two unimportant words replaced, dropped or added."""
    words = core.split(" ")
    for _ in range(rng.choice((1, 1, 2))):
        filler = odd_word if rng.random() < 0.25 else rng.choice(_FILLERS)
        spots = [i for i, word in enumerate(words) if not _KEY.fullmatch(word)]
        action = rng.random()
        if spots and action < 0.55:
            words[rng.choice(spots)] = filler
        elif spots and action < 0.70 and len(words) > 2:
            words.pop(rng.choice(spots))
        else:
            words.insert(rng.randint(0, len(words)), filler)
    return " ".join(words)
