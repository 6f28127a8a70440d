"""Saving rewards: a saved text never changes, every save is the next version, and only usable texts are saved."""

from django.db import IntegrityError, transaction

from labapp.accounts.models import Team, User
from labapp.workshop.models import Reward, RewardVersion
from labapp.workshop.versioning import NotSaved, message_of, name_of
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


def create(team: Team, author: User, name: str, source: str, message: str = "") -> RewardVersion:
    """A new reward with `source` as its version 1; NotSaved says what to mend."""
    wanted = name_of(name, "the reward")
    _require_usable(source)
    try:
        with transaction.atomic():
            one = Reward.objects.create(team=team, name=wanted)
            return RewardVersion.objects.create(
                reward=one, number=1, source=source, message=message_of(message), author=author
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
            reward=reward, number=number, source=source, message=message_of(message), author=author
        )


def _require_usable(source: str) -> None:
    if "\0" in source:
        raise NotSaved("The text holds a null character, which is no Python.")
    marks = check(source)
    if marks:
        raise NotSaved(f"Not saved. Line {marks[0].line}: {marks[0].message}")
