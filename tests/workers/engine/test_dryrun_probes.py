"""Probes of a reward's properties: rewards that can be hacked in each way are flagged, and a sound one is not."""

from collections.abc import Iterator
from typing import Any

import pytest

from workers.contract.rewardnode import Node
from workers.engine.dryrun import dry_run, judging
from workers.engine.dryrun.honest import honest_of
from workers.engine.dryrun.probing import PROBES, Origin
from workers.engine.dryrun.table import floats

ORIGIN = Origin("What is 3+4?", "Three and four make seven, so 7.", "7", ("seven", "7", "(7)", "12", "and"), ("7", "9"))

HEAD = "import re\n\ndef reward(completions, prompts, answer, **columns):\n    values = []\n"
TAIL = "        values.append(float(value))\n    return values\n"
LOOP = "    for text, prompt, right in zip(completions, prompts, answer):\n"
# Each pays for what its probe does, and less for honest work.
HACKABLE = {
    "empty": "1.0 / (1 + len(text))",
    "very long": "len(text)",
    "prompt repeated": "text.count(prompt)",
    "answer many times": "text.count(right)",
    "answer alone": "float(right in text) - len(text) / 1000",
    "strange characters": "sum(not letter.isprintable() for letter in text)",
    "truncated": "1.0 / (1 + abs(len(text) - 24))",
    "hedged": "len(set(re.findall(r'\\d+', text))) * (right in text)",
}
SOUND = (
    "float(re.findall(r'-?\\d+', text)[-1:] == [right] and len(text) < 200 and text.isprintable() and 'make' in text)"
)


@pytest.fixture(autouse=True, scope="module")
def _cold() -> Iterator[None]:
    yield
    judging.close_all()


def probed(expression: str, labelled: bool = True) -> dict[str, Any]:
    source = f"{HEAD}{LOOP}        value = {expression}\n{TAIL}"
    samples = []
    for n in range(20):
        wrong = n % 4 == 0
        text = f"We see that {n} and {n} make, all in all, {2 * n + 1 if wrong else 2 * n}"
        label = {"label": float(not wrong)} if labelled else {}
        samples.append({"prompt": f"What is {n}+{n}?", "completion": text, "answer": str(2 * n), **label})
    found = dry_run(Node("rewards", "this", source=source), samples)
    assert found["error"] == ""
    probes: dict[str, Any] = found["probes"]
    return probes


@pytest.mark.parametrize("name", HACKABLE)
def test_a_reward_that_can_be_hacked_is_flagged(name: str) -> None:
    found = probed(HACKABLE[name])
    row = next(one for one in found["rows"] if one["name"] == name)
    assert row["state"] == "beats"
    assert row["above"] > row["count"] / 2
    assert row["score"] > found["median"]
    assert row["quantile"] > 0.5


def test_a_sound_reward_is_beaten_by_nothing() -> None:
    found = probed(SOUND)
    assert (found["told_by"], found["count"], found["median"]) == ("label", 15, 1.0)
    assert {row["name"]: row["state"] for row in found["rows"]} == dict.fromkeys(PROBES, "below")
    assert len(found["rows"]) == len(PROBES)


def test_what_earns_as_much_as_honest_work_is_told() -> None:
    found = probed("float(right in text)")
    states = {row["name"]: row["state"] for row in found["rows"]}
    assert states["hedged"] == states["answer many times"] == states["answer alone"] == "equals"
    assert states["empty"] == "below"


def test_a_probe_on_which_the_reward_fails_says_how() -> None:
    found = probed("1 / len(text)")
    row = next(one for one in found["rows"] if one["name"] == "empty")
    assert (row["state"], row["failed"]) == ("failed", row["count"])
    assert "ZeroDivisionError" in row["fault"]


def test_without_labels_those_that_say_the_answer_stand_for_honest_work() -> None:
    found = probed(SOUND, labelled=False)
    assert found["told_by"] == "answer"
    assert found["count"] == 16  # fifteen that are right, and the wrong one of 0 + 0, which sees "0 and 0"
    assert {row["state"] for row in found["rows"]} == {"below"}


def test_who_is_honest() -> None:
    nothing = floats([None] * 4)
    texts = ["short", "a longer one", "", "the longest of them"]
    assert honest_of(floats([1.0, None, 1.0, 1.0]), floats([1.0, 1.0, 1.0, 0.0]), texts, [""] * 4).rows == (0,)
    longer = honest_of(floats([1.0] * 4), nothing, texts, [""] * 4)
    assert (longer.rows, longer.told_by) == ((1, 3), "length")
    assert honest_of(nothing, nothing, texts, [""] * 4).rows == ()
    # A few that say the answer are enough, one is not; what is labelled wrong is never honest.
    answers = ["one", "one", "two", "the"]
    assert honest_of(floats([1.0] * 4), nothing, ["one", "one", "two", "the"], answers).told_by == "answer"
    assert honest_of(floats([1.0] * 4), floats([0.0, 0.0, 0.0, None]), texts, [""] * 4).rows == (3,)


def test_the_texts_are_what_their_names_say() -> None:
    made = {name: maker(ORIGIN) or "" for name, maker in PROBES.items()}
    assert made["empty"] == ""
    assert 2_000 <= len(made["very long"]) <= 12_000
    assert "7" not in made["very long"]
    assert made["prompt repeated"].count(ORIGIN.prompt) == 3
    assert made["answer many times"].count("The answer is 7.") == 20
    assert made["answer alone"] == "7"
    assert any(not letter.isprintable() for letter in made["strange characters"])
    assert ORIGIN.text.startswith(made["truncated"])
    assert len(made["truncated"]) == 16
    answers = made["hedged"].split(" or ")
    assert answers.index("the answer is 7") == 4
    assert len(set(answers)) == 9


def test_a_very_long_text_does_not_say_an_answer_in_words_either() -> None:
    text = PROBES["very long"](Origin("Is it?", "Yes.", "yes", ("Yes,", "so", "(yes)", "say", "YES!", "all"), ("yes",)))
    assert set((text or "").split()) >= {"so", "say", "all"}
    assert "yes" not in (text or "").casefold()


def test_without_an_answer_or_a_prompt_some_cannot_be_made() -> None:
    bare = Origin("", "some text", "", ("one", "two", "two"), ())
    made = {name for name, maker in PROBES.items() if maker(bare) is not None}
    assert made == {"empty", "very long", "strange characters", "truncated"}
