"""Language: how much of a completion is written in a script, or in a language.

For a script it is the share of letters that belong to it. For a language it is that share times a guess by function
words (`the`, `und`, `los`): how many stand there beside those of the best of seven languages. Pick it against answers
that wander from one language into another. It tells scripts reliably, and languages from about ten words on; it cannot
tell languages of one script that are not among the seven (Russian from Ukrainian, Danish from German), nor Chinese from
Japanese without kana. Formulas and code are letters too: reasoning full of them is guessed worse.
"""

from collections import Counter
from typing import Annotated

import regex

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Real, Source, Whole

CARD = Card(
    title="Language",
    formula=r"r_i = \frac{|\{c \in y_i : c \in S\}|}{|\{c \in y_i : c \text{ is a letter}\}|} \cdot "
    r"\frac{h_L(y_i)}{\max_l h_l(y_i)}",
    source=Source(
        "DeepSeek-AI, 2025", "arXiv:2501.12948", "language consistency reward", "https://arxiv.org/abs/2501.12948"
    ),
    symbols={
        "r_i": "reward of completion i",
        "S": "the script (of the language)",
        "h_l": "how many of the words are function words of language l; the factor is 1 for a script",
        "L": "the wanted language",
    },
    relatives=("rewards/format", "rewards/repetition"),
    sure="medium",
    doubts="The published reward counts words of the wanted language without saying how they are told; function words "
    "stand in for that here.",
    bounds=(0.0, 1.0),
)

FUNCTION_WORDS = {
    "English": "the of and to in is that it was for on are with as be this have from or by not but at which you we",
    "German": "der die das und ist nicht ein eine zu den von mit sich auf für im dem es auch an als wir wenn aber so",
    "French": "le la les de des et un une est que qui dans pour pas sur au avec il elle ce nous vous mais donc du",
    "Spanish": "el la los las de y que en un una es por con para no se del al lo como pero más su entonces está",
    "Italian": "il lo la i gli le di e che un una è per non con del della si da sono come ma più nel quindi",
    "Portuguese": "o a os as de e que um uma é por com para não se do da em no na como mas mais são então",
    "Dutch": "de het een en van is niet in dat op te zijn met voor er aan die ook als maar bij wij naar dus om",
}
WORDS = {language: frozenset(words.split()) for language, words in FUNCTION_WORDS.items()}
# Scripts by Unicode's names; Japanese is written in three.
SCRIPTS = {
    name: regex.compile("[" + "".join(rf"\p{{Script={script}}}" for script in scripts.split()) + "]")
    for name, scripts in {
        "Latin": "Latin", "Cyrillic": "Cyrillic", "Greek": "Greek", "Arabic": "Arabic", "Hebrew": "Hebrew",
        "Devanagari": "Devanagari", "Thai": "Thai", "Hangul": "Hangul", "Han": "Han",
        "Japanese": "Han Hiragana Katakana",
    }.items()
}  # fmt: skip
LETTER, WORD = regex.compile(r"\p{L}"), regex.compile(r"\p{L}+")


def reward(
    answers: Answers,
    *,
    wanted: Annotated[
        str,
        Choice((
            "Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Thai", "Hangul", "Han", "Japanese",
            "English", "German", "French", "Spanish", "Italian", "Portuguese", "Dutch",
        )),
        "the script, or the language",
    ] = "English",
    least: Annotated[int, Whole(1), "letters below which nothing can be said"] = 8,
    unknown: Annotated[float, Real(0, 1), "value of a text of which nothing can be said"] = 0.0,
) -> list[float | None]:  # fmt: skip
    """A number from 0 to 1 a completion; `unknown` for one with fewer letters than `least`, and, where a language is
    wanted, for one without a function word of any."""
    return [_value(text, wanted, least, unknown) for text in answers.texts]


def _value(text: str, wanted: str, least: int, unknown: float) -> float:
    letters = len(LETTER.findall(text))
    if letters < least:
        return unknown
    in_script = sum(1 for sign in LETTER.findall(text) if SCRIPTS.get(wanted, SCRIPTS["Latin"]).match(sign))
    share = in_script / letters
    if wanted in SCRIPTS:
        return share
    counted = Counter(word.casefold() for word in WORD.findall(text))
    hits = {language: sum(counted[word] for word in words) for language, words in WORDS.items()}
    best = max(hits.values())
    return share * hits[wanted] / best if best else unknown
