"""Saving rewards: a saved text never changes, every save is the next version, and only usable texts are saved."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from django.db import IntegrityError, transaction

from labapp.accounts.models import Team, User
from labapp.workshop.models import Reward, RewardVersion
from workers.contract.rewardcode import check

START = '''"""One number for each completion; None where the reward does not apply."""

import re


def reward(prompts, completions, answer, **columns):
    """1 where the last number of the completion is the answer, else 0.

    prompts, completions: lists of texts. answer: the list of right answers.
    columns: whatever else the prompts have, each a list as long as completions.
    """
    values = []
    for completion, right in zip(completions, answer):
        numbers = re.findall(r"-?\\d+(?:\\.\\d+)?", completion.replace(",", ""))
        wanted = str(right).replace(",", "").strip()
        values.append(1.0 if numbers and numbers[-1] == wanted else 0.0)
    return values
'''
CONTEXT = 3  # unchanged lines around a change


class NotSaved(ValueError):
    """Why a text was not saved, as a sentence for its author."""


def create(team: Team, author: User, name: str, source: str, message: str = "") -> RewardVersion:
    """A new reward with `source` as its version 1; NotSaved says what to mend."""
    wanted = " ".join(name.split())
    if not wanted:
        raise NotSaved("Give the reward a name.")
    if len(wanted) > 80:
        raise NotSaved(f"The name has {len(wanted)} letters; 80 are allowed.")
    _require_usable(source)
    try:
        with transaction.atomic():
            one = Reward.objects.create(team=team, name=wanted)
            return RewardVersion.objects.create(
                reward=one, number=1, source=source, message=_message(message), author=author
            )
    except IntegrityError:
        raise NotSaved(f"There is a reward {wanted!r} already: choose another name.") from None


def save(reward: Reward, author: User, source: str, message: str = "") -> RewardVersion:
    """`source` as the next version of `reward`; NotSaved for an unusable or an unchanged text."""
    _require_usable(source)
    with transaction.atomic():
        Reward.objects.select_for_update().get(pk=reward.pk)  # two who save at once get two numbers
        newest = reward.versions.order_by("-number").first()
        if newest is not None and newest.source == source:
            raise NotSaved(f"This is the text of version {newest.number}: nothing has changed.")
        number = 1 if newest is None else newest.number + 1
        return RewardVersion.objects.create(
            reward=reward, number=number, source=source, message=_message(message), author=author
        )


def _message(text: str) -> str:
    return " ".join(text.split())[:200]


def _require_usable(source: str) -> None:
    if "\0" in source:
        raise NotSaved("The text holds a null character, which is no Python.")
    marks = check(source)
    if marks:
        raise NotSaved(f"Not saved. Line {marks[0].line}: {marks[0].message}")


def diff(before: str, after: str) -> list[dict[str, object]]:
    """The lines that differ, with a few around them: {kind: same|gone|new|gap, before, after, text}."""
    old, new = before.splitlines(), after.splitlines()
    found: list[dict[str, object]] = []
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    for place, group in enumerate(groups):
        if place or group[0][1]:
            found.append({"kind": "gap", "before": "", "after": "", "text": "…"})
        for tag, a, b, c, d in group:
            found.extend(_lines(tag, old, new, (a, b, c, d)))
    return found


def _lines(tag: str, old: list[str], new: list[str], span: tuple[int, int, int, int]) -> Iterator[dict[str, object]]:
    a, b, c, d = span
    if tag == "equal":
        for at in range(b - a):
            yield {"kind": "same", "before": a + at + 1, "after": c + at + 1, "text": old[a + at]}
        return
    for at in range(a, b):
        yield {"kind": "gone", "before": at + 1, "after": "", "text": old[at]}
    for at in range(c, d):
        yield {"kind": "new", "before": "", "after": at + 1, "text": new[at]}
