"""The task's verdict with a share of prompts inverted, and a reward that only counts phrases of reasoning (RPR).

Pick it to see how much wrong labels cost, or how far a reward gets that never looks at the answer. A flip holds for all
completions of a prompt in a step and is drawn anew in the next (`per_rollout`: for each completion by itself, which the
authors' release does not do); a completion without an answer earns 0 and is never flipped. On held-out prompts nothing
is flipped, so their curve tells what was learned in spite of the noise; phrases count there too: put `verified` with
weight 0 beside it to see right answers alone. Short phrases match inside longer words too, and a small task needs
phrases of its own.
"""

from collections import Counter
from hashlib import blake2b
from typing import Annotated

import torch

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Exhibit, Flag, Real, Source, Text, Whole
from workers.engine.tensors import Progress

CARD = Card(
    title="Noisy verdicts and reasoning phrases (RPR)",
    formula=r"r' = (1 - b_x)\, r + b_x (1 - r) \qquad "
    r"\mathrm{RPR} = \max\Bigl(0,\ \min\bigl(1, \tfrac{k}{d}\bigr) - q - u\Bigr)",
    source=Source(
        "Lv et al., 2025",
        "arXiv:2505.22653",
        "code: verl/utils/reward_score/math_score.py at github.com/trestad/Noisy-Rewards-in-Learning-to-Reason",
        "https://arxiv.org/abs/2505.22653",
    ),
    symbols={
        "r": "the task's verdict, 1 or 0",
        "b_x": "1 where the prompt's verdicts are flipped",
        "k": "phrases that occur",
        "d": "phrases for the full reward",
        "q": "share of windows of words that are repeated ones",
        "u": "turns of the user that were made up",
    },
    relatives=("rewards/verified", "rewards/repetition", "combining/rpr_calibrated"),
    bounds=(0.0, 1.0),
    doubts="The list of phrases is the release's, with its misspelling. It takes made-up turns off for mathematics "
    "alone, and cuts a fixed number of letters off where no think tag opens; the whole text is read here.",
    exhibit=Exhibit(
        claim="Where the right chains have marks of their own (each step has its = and its ;), paying wrong answers "
        "for these marks brings right ones sooner than the verdict alone.",
        watch=("heldout/accuracy", "length"),
        shared={
            "budget.steps": 40,
            "prompts.task.params": {"level": 3},
            "rewards": [
                {"label": "correct", "name": "verified", "weight": 0.0},
                {"label": "learned from", "name": "verified"},
            ],
        },
        variant={
            "rewards.1.name": "noisy_rpr",
            "rewards.1.params": {"mode": "correctness_plus_rpr", "phrases": "=|;", "divisor": 4, "ngram": 5},
        },
        found="These seeds do not tell. Held-out accuracy, mean of its last five points, is 0.687 against 0.646 "
        "by the verdict alone, difference +0.041 [-0.013, +0.094] over three seeds of 40 steps; completions "
        "are a little longer, +0.42 tokens [+0.19, +0.65].",
    ),
)


def reward(
    answers: Answers,
    progress: Progress,
    generator: torch.Generator | None,
    *,
    mode: Annotated[
        str, Choice(("correctness", "rpr", "correctness_plus_rpr")), "what is rewarded (the last: RPR when wrong)"
    ] = "correctness",
    flip_prob: Annotated[float, Real(0, 1), "share of prompts whose verdicts are inverted"] = 0.0,
    per_rollout: Annotated[bool, Flag(), "draw for each completion, not for each prompt"] = False,
    correctness_warmup: Annotated[int, Whole(0), "steps that reward RPR alone, before the mode counts"] = 0,
    divisor: Annotated[float, Real(0, open_low=True), "phrases for the full RPR"] = 20.0,
    ngram: Annotated[int, Whole(2, 100), "words of the window that should not be repeated"] = 20,
    marker: Annotated[str, Text(40, empty=True), "an answer stands after this (empty: there always is one)"] = "#",
    made_up_turns: Annotated[bool, Flag(), "take the user's turns that were made up off the RPR"] = True,
    phrases: Annotated[
        str, Text(4000), "the phrases in small letters, with | between them; a last _ is a blank"
    ] = "i need to|we need to|wait|alternatively|let me check|let me see|let's focus on|we know that|we can observe_|"
    "we can see_|let me try|let's try|let us try|first,_|firstly,_|next,_|finally,_|let us first|let's first|"
    "let me first|try again|still not|not working|not correct|does not work|doesn't work|makes sence|since we_|"
    "because we_|consequently|as a result|thus|therefore|hence|so that|thereby|if we|given there_|for instance_|"
    "for example_",
) -> list[float | None]:
    """0 to 1 a completion; None where a verdict is needed and there is none. Without a generator nothing is flipped.
    ValueError when prompts without any verifier are to be judged by verdicts."""
    mode = "rpr" if progress.step <= correctness_warmup else mode
    if mode != "rpr" and answers.texts and not answers.verdicts:
        raise ValueError("these prompts have no verifier; choose the mode rpr, or prompts of a task")
    listed = [one[:-1] + " " if one.endswith("_") else one for one in phrases.split("|") if one]
    flip_prob = 0.0 if generator is None else flip_prob
    salt = int(torch.randint(2**62, (1,), generator=generator)) if generator is not None else 0
    found: list[float | None] = []
    before = Counter[str]()  # completions of each prompt so far
    for n, text in enumerate(answers.texts):
        verdict = None if mode == "rpr" else answers.verdicts[n]
        drawn_for = f"{answers.prompts[n]}/{before[answers.prompts[n]]}" if per_rollout else answers.prompts[n]
        before[answers.prompts[n]] += 1
        if mode != "rpr" and verdict is None:
            found.append(None)
        elif not _answered(text, marker):
            found.append(0.0)
        else:
            right = verdict is not None and (verdict != 0) != _flipped(drawn_for, salt, flip_prob)
            counted = 0.0 if right or mode == "correctness" else _rpr(text, listed, divisor, ngram, made_up_turns)
            found.append(1.0 if right else counted)
    return found


def _answered(text: str, marker: str) -> bool:
    _, found, answer = text.rpartition(marker) if marker else ("", "x", "x")
    return bool(found and answer.strip())


def _flipped(name: str, salt: int, share: float) -> bool:
    """Whether the verdicts of that name are flipped in this step: told by it alone, so that no neighbour matters."""
    drawn = int.from_bytes(blake2b(f"{salt}/{name}".encode(errors="surrogatepass"), digest_size=8).digest(), "big")
    return drawn < share * 2**64


def _rpr(text: str, phrases: list[str], divisor: float, ngram: int, made_up_turns: bool) -> float:
    _, opened, behind = text.partition("<think>")
    thought = (behind if opened else text).lower()
    count = sum(phrase in thought for phrase in phrases)
    turns = thought.count("user: ") if made_up_turns else 0
    return max(0.0, min(1.0, count / divisor) - _repeated(thought.split(), ngram) - turns)


def _repeated(words: list[str], ngram: int) -> float:
    windows = Counter(tuple(words[start : start + ngram]) for start in range(len(words) - ngram + 1))
    return sum(times > 1 for times in windows.values()) / windows.total() if windows else 0.0
