"""Saving rewards: what was saved never changes, every save is the next version, and only what can be used is saved."""

from typing import Any

from django.db import IntegrityError, transaction

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.workshop import starts, treedocs
from labapp.workshop.models import Reward, RewardVersion
from labapp.workshop.saved import codes_of
from labapp.workshop.versioning import NotSaved, message_of, name_of
from workers.contract.rewardcode import check
from workers.contract.rewardnode import Node
from workers.contract.rewardtree import tree_troubles

What = str | Node  # a function's text, or a tree of parts

START = starts.NUMBER


def create(team: Team, author: User, name: str, what: What, message: str = "") -> RewardVersion:
    """A new reward with `what` as its version 1; NotSaved says what to mend."""
    wanted = name_of(name, "the reward")
    fields = _fields(team, what)
    try:
        with transaction.atomic():
            one = Reward.objects.create(team=team, name=wanted)
            return one.versions.create(number=1, message=message_of(message), author=author, **fields)
    except IntegrityError:
        raise NotSaved(f"There is a reward {wanted!r} already: choose another name.") from None


def save(reward: Reward, author: User, what: What, message: str = "") -> RewardVersion:
    """`what` as the next version of `reward`; NotSaved when it cannot be used, or is what the newest version says."""
    fields = _fields(reward.team, what)
    with transaction.atomic():
        Reward.objects.select_for_update().get(pk=reward.pk)  # two who save at once get two numbers
        newest = reward.versions.order_by("-number").first()
        if newest is not None and (newest.source, newest.tree) == (fields["source"], fields["tree"]):
            words = "This is the text" if newest.tree is None else "These are the parts"
            raise NotSaved(f"{words} of version {newest.number}: nothing has changed.")
        number = 1 if newest is None else newest.number + 1
        return reward.versions.create(number=number, message=message_of(message), author=author, **fields)


def _fields(team: Team, what: What) -> dict[str, Any]:
    """The fields of a version; NotSaved where it cannot be used."""
    if isinstance(what, str):
        _require_usable(what)
        return {"source": what, "tree": None}
    return {"source": "", "tree": treedocs.document(_whole(team, what))}


def _whole(team: Team, tree: Node) -> Node:
    """The tree with the texts of the team's functions in it; NotSaved where a part cannot be used."""
    codes = codes_of(team, treedocs.names(tree))
    for name in treedocs.names(tree) - codes.keys():
        raise NotSaved(f"Not saved. There is no saved text of {name} in this team.")
    whole = treedocs.filled(treedocs.bare(tree), codes)
    labels = whole.labels()
    for trouble in tree_troubles("", whole, shelf.catalogue()):
        at = next((path for path in sorted(labels, reverse=True) if _within(trouble.path, path)), "")
        raise NotSaved(f"Not saved. {labels[at]}: {trouble.what}")
    if "\\u0000" in treedocs.text_of(whole):
        raise NotSaved("A part holds a null character, which no text has.")
    return whole


def _within(path: str, place: str) -> bool:
    return f"{path.lstrip('.')}.".startswith(f"{place}." if place else "")


def _require_usable(source: str) -> None:
    if "\0" in source:
        raise NotSaved("The text holds a null character, which is no Python.")
    marks = check(source)
    if marks:
        raise NotSaved(f"Not saved. Line {marks[0].line}: {marks[0].message}")
