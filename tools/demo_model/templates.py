"""Phrasings the demo model is trained on, and the fixed answers it should give.

Every list holds lower-case cores without final punctuation; corpus.py adds
prefixes, suffixes, capital letters, punctuation and typos.  Slots: {c} country,
{k} capital city, {a}/{b} numbers, {n} a name, {t} a topic.  The phrasings of
heldout.py must never show up here (train.py and evaluate.py assert that).
"""

from __future__ import annotations

ANSWERS = {
    "hello": "Hello! How can I help you?",
    "morning": "Good morning! How can I help you?",
    "evening": "Good evening! How can I help you?",
    "how_are_you": "I am fine, thank you. How can I help you?",
    "thanks": "You are welcome!",
    "bye": "Goodbye! Have a nice day.",
    "praise": "Good! What else can I do for you?",
    "identity": "I am {n}, a tiny demo model bundled with the chasqui server to show that it works.",
    "word": "A chasqui was a runner who carried messages in the Inca empire.",
    "abilities": "I can greet you, name the capitals of many countries and add numbers from 0 to 20.",
    "maker": "I was trained by a small script of the chasqui project.",
    "name": "My name is {n}.",
    "capital": "The capital of {c} is {k}.",
    "reverse": "{k} is the capital of {c}.",
    "sum": "{a} + {b} = {s}.",
    "meet": "Nice to meet you, {n}!",
    "user_name": "Your name is {n}.",
    "no_user_name": "Sorry, I do not know your name.",
    "bad_sum": "Sorry, I can only add numbers from 0 to 20.",
    "echo": "{x}",
    "decline": "Sorry, I do not know that. I am only a tiny demo model.",
}
DEFAULT_NAME = "Chasqui"

# Small intents without slots: intent -> cores.
SIMPLE = {
    "hello": [
        "hello", "hi", "hey", "hello there", "hi there", "hey there", "greetings", "hi, nice to meet you",
        "good day", "howdy", "hello, chasqui", "hi chasqui", "hey you", "yo", "hallo", "hola",
        "hello friend", "hi buddy", "hello, anybody home", "hello, are you there", "hi, can you hear me",
        "welcome", "good afternoon", "nice to see you", "hey, good to see you", "hi again", "hello again",
        "i just wanted to say hello", "hi, it is me", "a very good day to you", "hello world", "test",
        "hi, i have a question", "can you help me", "i need help", "are you there", "ping", "hello hello"],
    "morning": ["good morning", "morning", "good morning to you", "a good morning", "hi, good morning",
                "good morning, chasqui", "hello and good morning", "good morning everyone"],
    "evening": ["good evening", "evening", "good evening to you", "hi, good evening", "a good evening",
                "good evening, chasqui", "hello and good evening", "good evening everyone"],
    "how_are_you": [
        "how are you", "how are you today", "how do you do", "how is it going", "how's it going", "are you ok",
        "how are things", "how do you feel", "how are you doing", "are you well", "what's up", "how have you been",
        "hello, how are you", "hi, how are you doing", "how are you feeling today", "is everything fine with you",
        "you ok", "how goes it", "everything alright"],
    "thanks": [
        "thanks", "thank you", "thank you very much", "many thanks", "thanks a lot", "thank you so much", "thx",
        "thanks for your help", "thank you for the answer", "great, thanks", "ok, thank you", "cheers",
        "that helps, thanks", "perfect, thank you", "thanks for that", "i thank you", "that was helpful, thank you",
        "ok thanks", "thanks, that is all", "nice, thanks", "thanks a million", "thank you, that was quick"],
    "bye": [
        "bye", "goodbye", "bye bye", "see you", "see you later", "good night", "see you soon", "farewell",
        "good bye", "until next time", "i have to go now", "talk to you later", "i am leaving now", "bye for now",
        "that is all, bye", "see you tomorrow", "take care", "ok, bye", "thanks, bye", "thank you and goodbye",
        "catch you later", "so long", "bye, have a nice day", "goodbye and thanks", "i must leave", "ciao"],
    "praise": ["great", "cool", "nice", "ok", "good", "very good", "well done", "awesome", "that is right",
               "correct", "wow", "excellent", "good job", "you are right", "yes", "nice one", "right",
               "that is correct", "super", "perfect", "alright", "good answer"],
    "identity": [
        "who are you", "what are you", "introduce yourself", "tell me about yourself", "tell me who you are",
        "tell me what you are", "what is this", "are you a robot", "are you a human", "are you a person",
        "are you real", "what kind of model are you", "which model are you", "what model is this",
        "who am i talking to", "what am i talking to", "describe yourself", "are you an ai", "are you a bot",
        "are you a large language model", "say something about yourself", "who is this", "who is there",
        "what sort of program are you", "please present yourself", "are you a language model", "explain who you are",
        "i want to know who you are", "can you introduce yourself", "can you tell me who you are",
        "what exactly are you", "and who are you", "so who are you", "what are you exactly", "about you",
        "what is the demo model", "what is the chasqui demo model", "are you human or machine",
        "are you the demo model", "what are you for", "why do you exist", "what is your purpose",
        "i do not know you, who are you", "are you a computer", "are you intelligent", "is this an ai"],
    "word": [
        "what is a chasqui", "what does chasqui mean", "what does the word chasqui mean", "who were the chasquis",
        "what was a chasqui", "explain the word chasqui", "what are chasquis", "tell me about the chasquis",
        "where does the name chasqui come from", "why is the server called chasqui", "define chasqui",
        "what is the meaning of chasqui", "why are you called chasqui", "chasqui means what", "chasqui meaning",
        "do you know what a chasqui is", "what did a chasqui do", "who was a chasqui", "why the name chasqui",
        "where does the word chasqui come from", "what did the chasquis do", "tell me what a chasqui is"],
    "abilities": [
        "what can you do", "what can i ask you", "how can you help me", "what do you know", "help", "what can you help with",
        "what are you able to do", "list your skills", "what are your abilities", "what should i ask you",
        "what are you good at", "tell me what you can do", "what else can you do", "show me what you can do",
        "what things can you do", "what questions can you answer", "can you tell me what you can do",
        "what do you offer", "what can i do with you", "what are your skills", "which questions do you answer"],
    "maker": [
        "who made you", "who created you", "who built you", "who trained you", "how were you made",
        "where do you come from", "who is your maker", "who is your creator", "who developed you",
        "how were you trained", "who wrote you", "by whom were you made", "tell me who made you",
        "which company made you", "who programmed you", "where are you from", "who is your author"],
    "no_user_name": [
        "what is my name", "what's my name", "who am i", "do you know my name", "tell me my name", "my name",
        "can you tell me my name", "do you remember my name", "how am i called", "do you know who i am",
        "what do you call me", "what was my name", "say my name", "is my name known to you", "and what is my name",
        "what name do i have", "did i tell you my name", "which name is mine", "how do you call me", "what do people call me",
        "what am i called", "can you say my name", "what did i say my name was", "have i told you my name"],
}

NAME = [
    "what is your name", "what's your name", "your name", "tell me your name", "how are you called",
    "do you have a name", "may i know your name", "what should i call you", "how should i call you",
    "what is your first name", "can you tell me your name", "give me your name", "by what name do you go",
    "name", "what can i call you", "what name were you given", "which name do you have", "what are you called",
    "i want to know your name", "i need your name", "what was your name", "what is your name again",
    "what name do you use", "who are you by name", "how do they call you", "how may i call you",
    "may i ask your name", "is there a name i can call you", "your name is", "what was your name again",
    "under which name are you known", "what is the name of this assistant", "do you know your name",
    "can i ask for your name", "please state your name", "and what is your name", "did they give you a name",
    "do you remember your name", "what is the name they gave you", "what did they name you", "you are called",
    "what do they call you", "how do your friends call you", "how are you named", "are you called anything",
    "what name should i use for you", "who do i talk to, your name please", "how do others call you",
    "i forgot your name", "sorry, what was your name", "what is the assistant's name", "whats ur name"]

MEET = ["my name is {n}", "i am {n}", "i'm {n}", "call me {n}", "you can call me {n}", "i am called {n}",
        "hello, i am {n}", "hi, my name is {n}", "hi, i'm {n}", "people call me {n}", "this is {n}", "it's me, {n}",
        "please call me {n}", "my friends call me {n}", "hello, my name is {n}", "they call me {n}",
        "hello, this is {n}", "good day, i am {n}", "i am {n}, hello", "my name's {n}"]

CAPITAL = [
    "what is the capital of {c}", "what's the capital of {c}", "which city is the capital of {c}",
    "capital of {c}", "the capital of {c}", "tell me the capital of {c}", "name the capital of {c}",
    "give me the capital of {c}", "do you know the capital of {c}", "what is the capital city of {c}",
    "what is {c}'s capital", "{c} capital", "{c}: capital", "what city is the capital of {c}",
    "can you tell me the capital of {c}", "i want to know the capital of {c}", "which is the capital of {c}",
    "what would be the capital of {c}", "how is the capital of {c} called", "the capital city of {c} is",
    "the capital of {c} is", "capital city of {c}", "what is {c}'s capital city", "tell me {c}'s capital",
    "in {c}, what is the capital", "for {c}, which city is the capital", "{c}'s capital", "{c}'s capital city",
    "can you name the capital of {c}", "what was the capital of {c} again", "say the capital of {c}",
    "i need the capital of {c}", "i forgot the capital of {c}", "let me know the capital of {c}",
    "what city is {c}'s capital", "which city is {c}'s capital", "do you know what the capital of {c} is",
    "tell me what the capital of {c} is", "tell me which city is the capital of {c}", "the capital of {c}, what is it",
    "what do we call the capital of {c}", "capital {c}", "what capital does {c} have", "which capital does {c} have",
    "my question is about {c}: what is the capital", "what is the main city and capital of {c}",
    "i have a question about {c}, what is its capital", "do you know {c}'s capital", "write the capital of {c}",
    "do you know which city is the capital of {c}", "i wonder what the capital of {c} is",
    "my teacher asks for the capital of {c}", "for a test: the capital of {c}", "what is the captial of {c}",
    "someone asked me about the capital of {c}", "question: what is the capital of {c}", "capital of {c} is what",
    "if i travel to the capital of {c}, where am i", "the capital city of {c}, which one is it"]
CAPITAL_FOLLOW = ["and {c}", "and of {c}", "what about {c}", "and for {c}", "and the capital of {c}", "how about {c}",
                  "and what about {c}", "and that of {c}", "{c}", "and in {c}", "now {c}", "the same for {c}"]
REVERSE = [
    "which country is {k} the capital of", "{k} is the capital of which country", "what country has {k} as its capital",
    "of which country is {k} the capital", "{k} is the capital of", "which country has the capital {k}",
    "whose capital is {k}", "what country is {k} the capital of", "{k} is the capital of what",
    "tell me which country {k} is the capital of", "which country has {k} as capital", "in which country is the capital {k}",
    "{k} is which country's capital", "do you know which country {k} is the capital of", "which country's capital is {k}",
    "the city {k} is the capital of which country", "what country's capital is {k}", "{k}: capital of which country",
    "i want to know which country has {k} as its capital", "for which country is {k} the capital", "{k} is whose capital",
    "which country is governed from its capital {k}", "what is {k} the capital of", "country with the capital {k}",
    "can you tell me which country {k} is the capital of", "tell me what country {k} is the capital of",
    "name the country that has {k} as its capital", "which land has {k} as its capital"]
REVERSE_FOLLOW = ["and {k}", "what about {k}", "how about {k}", "and what about {k}", "and the city {k}"]

SUM = [
    "what is {a} + {b}", "what's {a} + {b}", "{a} + {b}", "{a}+{b}", "{a} + {b} =", "{a}+{b}=", "{a} plus {b}",
    "what is {a} plus {b}", "what's {a} plus {b}", "how much is {a} + {b}", "how much is {a} plus {b}",
    "add {a} and {b}", "add {a} to {b}", "calculate {a} + {b}", "compute {a} + {b}", "sum of {a} and {b}",
    "the sum of {a} and {b}", "what is the sum of {a} and {b}", "what do you get when you add {a} and {b}",
    "can you add {a} and {b}", "can you calculate {a} plus {b}", "tell me {a} + {b}", "tell me the sum of {a} and {b}",
    "what is {a}+{b}", "how much is {a}+{b}", "{a} and {b} together", "how much are {a} and {b} together",
    "what is {a} and {b} added together", "calculate {a} plus {b}", "compute the sum of {a} and {b}",
    "i have {a} apples and get {b} more, how many apples are there", "i want to add {a} and {b}",
    "there are {a} birds and {b} more come, how many birds are there", "solve {a} + {b}", "solve {a}+{b}",
    "what does {a} + {b} make", "{a} plus {b} is", "{a} + {b} is", "give me {a} + {b}", "give me the sum of {a} and {b}",
    "do you know {a} + {b}", "what do {a} and {b} add up to", "i need {a} + {b}", "how many is {a} plus {b}",
    "{a} plus {b} equals", "{a} + {b} equals what", "sum {a} and {b}", "sum: {a} + {b}", "math question: {a} + {b}",
    "can you do {a} + {b}", "start with {a} and add {b}", "take {a} and add {b}", "result of {a} + {b}",
    "what is the result of {a} + {b}", "what is the result of {a} plus {b}", "count {a} and {b} together",
    "{a} coins plus {b} coins", "i bought {a} eggs and then {b} eggs, how many eggs is that", "add up {a} and {b}"]
SUM_FOLLOW = ["and {a} + {b}", "and {a} plus {b}", "what about {a} + {b}", "now {a} + {b}", "and {a}+{b}",
              "how about {a} plus {b}", "next: {a} + {b}", "and what is {a} + {b}"]
BAD_SUM = [
    "what is {a} - {b}", "{a} - {b}", "{a} minus {b}", "what is {a} minus {b}", "what is {a} * {b}", "{a} * {b}",
    "{a} times {b}", "what is {a} times {b}", "{a} / {b}", "what is {a} divided by {b}", "multiply {a} by {b}",
    "subtract {a} from {b}", "{a} x {b}", "divide {a} by {b}", "calculate {a} * {b}", "compute {a} / {b}",
    "how much is {a} times {b}", "how much is {a} minus {b}", "multiply {a} and {b}", "what's {a} * {b}"]

# Copying as such: it makes the copying of names come early in the training.
ECHO = ["repeat {x}", "Repeat {x}", "Repeat after me: {x}", "please repeat {x}", "Please repeat: {x}", "echo {x}",
        "Echo: {x}", "Repeat the words {x}", "repeat this: {x}"]

DECLINE_TOPIC = [
    "what do you know about {t}", "tell me about {t}", "tell me something about {t}", "explain {t}", "explain {t} to me",
    "write a poem about {t}", "write a story about {t}", "what is {t}", "tell me {t}", "can you explain {t}",
    "do you know {t}", "do you know anything about {t}", "how does {t} work", "i want to learn about {t}",
    "give me information about {t}", "what can you say about {t}", "give me {t}", "write a text about {t}",
    "make a list of facts about {t}", "what do you think about {t}", "talk about {t}", "summarize {t}",
    "who discovered {t}", "why is {t} important", "describe {t}", "write a song about {t}", "where can i find {t}"]
DECLINE_COUNTRY = [
    "what is the population of {c}", "how many people live in {c}", "what is the currency of {c}",
    "who is the president of {c}", "which language do they speak in {c}", "what language is spoken in {c}",
    "how big is {c}", "where is {c}", "what is the largest river of {c}", "who is the king of {c}",
    "what is the weather in {c}", "what food do they eat in {c}", "what is the flag of {c}", "how old is {c}",
    "what is the highest mountain of {c}", "tell me the history of {c}", "how do i get to {c}"]
DECLINE_PLAIN = [
    "what time is it", "what day is today", "tell me a joke", "sing a song", "how old are you", "what is the date today",
    "write a program in python", "write code that sorts a list", "what should i eat tonight", "what is the best movie",
    "who won the world cup", "who is the richest person", "how do i cook rice", "how do i fix my car", "how tall are you",
    "what is 2 to the power of 10", "translate this text into german", "say this in spanish", "play some music",
    "what is the square root of 16", "when was the war", "who wrote hamlet", "who painted the mona lisa", "set a timer",
    "what is my age", "where do i live", "what is your favorite color", "do you like music", "do you have a family",
    "what is the largest animal", "how many days are in a year", "what is the fastest car", "who was the first man on the moon",
    "when is christmas", "what year is it", "book a flight for me", "open the door", "turn on the light",
    "send an email to my boss", "how far is the moon", "why is the sky blue", "what is the opposite of cold",
    "how do airplanes fly", "can you drive", "do you sleep", "what did you eat today", "spell banana",
    "how many legs has a spider", "what is the color of the sun", "who invented the telephone", "draw a picture",
    "read me the news", "what is the biggest planet", "is it raining", "should i buy a house", "correct my essay"]
DECLINE_PERSON = ["who is {n}", "how old is {n}", "where is {n}", "when was {n} born", "what did {n} say",
                  "do you know {n}", "where does {n} live", "tell me about {n}", "is {n} at home", "what is {n} doing"]

PREFIX = ["please", "hey,", "hi,", "hello,", "ok,", "so,", "hello!", "hi!", "hi there,", "now", "well,", "and",
          "excuse me,", "one question:", "quick question:", "another question:", "question:", "good morning,", "good day,",
          "a question,", "next question:", "ok", "oh,", "hmm,", "sorry,", "dear model,", "hey chasqui,", "thanks!",
          "great!", "good.", "alright,", "cool, and", "tell me,", "can you help me,", "i have a question:", "just curious:",
          "listen,", "then", "also,", "first,", "by the way,", "please tell me:", "answer this:", "my question:",
          "hello there!", "um,", "yes,", "thank you.", "nice.", "say,", "tell me please,", "right,", "i'd like to know:"]
SUFFIX = ["please", ", please", ", thanks", "thanks", "? please answer", "? thanks", "? thank you", "now", ", do you know",
          "? tell me", ", my friend", ", dear", "? i need to know", "? i forgot", ", chasqui", "? answer briefly",
          "in one sentence", ", if you can", "? quick", "today", ", quickly", "? just the answer", ", can you tell me",
          "? i am curious", "again", ", thank you", "? any idea", "for me", ", would you"]

SYSTEM_NAME = [
    "You are {n}.", "Your name is {n}.", "You are called {n}.", "You are a helpful assistant named {n}.",
    "You are {n}, a friendly assistant.", "You are an assistant called {n}.", "Act as {n}.", "Name: {n}",
    "The assistant's name is {n}.", "Your name: {n}", "You are {n}, a helpful assistant.", "you are {n}",
    "your name is {n}", "You are the assistant {n}.", "Your new name is {n}.", "They call you {n}.",
    "You are {n} and you help people.", "The name of the assistant is {n}.", "You answer to the name {n}.",
    "You are a chat model with the name {n}.", "You are now {n}.", "Call yourself {n}.", "I named you {n}.",
    "You are {n}, the assistant of a small company.", "Assume the name {n}.", "Your first name is {n}.",
    "You are {n}, an expert.", "You are a bot. Your name is {n}.", "You were given the name {n}.", "You are {n}!",
    "Pretend to be {n}.", "You play the role of {n}.", "Speak as {n}.", "Use the name {n}.", "We call you {n}."]
SYSTEM_PLAIN = [
    "You are a helpful assistant.", "You are a friendly assistant.", "Answer briefly.", "Be concise.", "Be polite.",
    "Answer in one sentence.", "You are an expert.", "Answer the question.", "Help the user.", "You are a chatbot.",
    "You answer questions.", "Do not use emojis.", "Be kind.", "You are an AI assistant.", "Respond in English.",
    "The user is a developer.", "Today is Monday.", "Think step by step.", "You are a small model.", "Stay on the topic.",
    "Use simple words.", "If you do not know the answer, say so.", "Never be rude.", "You are a teacher.",
    "You help with homework.", "Keep your answers short.", "This is a test.", "The user may ask anything.",
    "You work for a company.", "You are a helpful, honest and harmless assistant.", "Do not make things up."]
