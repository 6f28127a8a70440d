"""Language: scripts by hand, languages on plain sentences, and what is said where nothing can be told."""

from typing import Any

import pytest

from tests.workers.scored import scored

SENTENCES = {
    "English": "The sum of the two numbers is not the one that we want, so it has to be from the other list.",
    "German": "Die Summe der beiden Zahlen ist nicht das, was wir wollen, und so muss es aus der anderen Liste sein.",
    "French": "La somme des deux nombres est celle que nous avons dans la liste, mais elle ne va pas au bout.",
    "Spanish": "La suma de los dos números es la que se busca, pero no está en la lista y por lo tanto hay más.",
    "Italian": "La somma dei due numeri non è quella che si cerca, quindi il risultato della lista è un altro.",
    "Portuguese": "A soma dos números não é a que se procura, mas está na lista e por isso são mais do que um.",
    "Dutch": "De som van de twee getallen is niet wat wij zoeken, dus het moet uit de andere lijst zijn en ook meer.",
}


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("abcdéfgh 123 !", "Latin", 1.0),
        ("abcdабвг", "Latin", 0.5),
        ("abcdабвг", "Cyrillic", 0.5),
        ("abcdефαβ", "Greek", 0.25),
        ("ελληνικά γράμματα", "Greek", 1.0),
        ("これは日本語です", "Japanese", 1.0),
        ("これは日本語です", "Han", 3 / 8),
        ("这是中文的一句话", "Han", 1.0),
        ("한국어 문장입니다", "Hangul", 1.0),
        ("हिन्दी में वाक्य है यह", "Devanagari", 1.0),
    ],
)
def test_the_share_of_a_script(text: str, wanted: str, value: float) -> None:
    assert scored("language", [text], wanted=wanted) == [pytest.approx(value)]


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_of_its_language_and_of_no_other(language: str) -> None:
    (value,) = scored("language", [SENTENCES[language]], wanted=language)
    assert value == 1.0
    for other in SENTENCES:
        (value,) = scored("language", [SENTENCES[language]], wanted=other)
        assert value is not None
        assert other == language or value < 0.8, other


def test_function_words_are_counted() -> None:
    """`the the und`: two words of English, one of German, none of French, in nine letters; then three Greek ones."""
    texts = ["the the und", "the the und αβ γ"]
    assert scored("language", texts, wanted="English") == pytest.approx([1.0, 9 / 12])
    assert scored("language", texts, wanted="German") == pytest.approx([0.5, 0.5 * 9 / 12])
    assert scored("language", texts, wanted="French") == [0.0, 0.0]


@pytest.mark.parametrize("text", ["", "12 + 35 = 47", "abc", "🦆" * 20, "zzz qqqq xxxxx"])
def test_where_nothing_can_be_said_the_value_is_what_was_chosen(text: str) -> None:
    params: dict[str, Any] = {"wanted": "German"}
    assert scored("language", [text, text], **params) == [0.0, 0.0]
    assert scored("language", [text], unknown=0.25, **params) == [0.25]


def test_few_letters_are_enough_where_one_says_so() -> None:
    assert scored("language", ["abc"], wanted="Latin", least=3) == [1.0]
    assert scored("language", ["abc"], wanted="Latin", least=4) == [0.0]
