"""The form of a dry run: what it offers, and what somebody chose."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from django.http import HttpRequest

from labapp import shelf
from labapp.accounts.access import team_of
from labapp.accounts.models import Team
from labapp.workshop import samples, saved, treedocs
from labapp.workshop.dryrun_against import BEFORE, OFFERED, version_against
from labapp.workshop.dryruns import Question
from labapp.workshop.models import Reward
from workers.contract import rewardcode
from workers.contract.rewardtree import tree_troubles
from workers.contract.spec import SpecError

UNSAVED = "this text"


class NotAsked(ValueError):
    """Why a dry run is not begun, as a sentence with what to mend."""


def panel(request: HttpRequest, reward: Reward | None, field: str) -> dict[str, Any]:
    """What `workshop/dryrun_panel.html` needs as `dry`: the choices of samples and of versions to compare with (newest
    first); `field` is a CSS selector of the field `source` or `tree` that holds the reward."""
    team = team_of(request)
    versions = [] if reward is None else list(reward.versions.defer("source", "tree").order_by("-number")[:OFFERED])
    return {
        "field": field, "datasets": samples.versions(team), "runs": samples.runs(team), "counts": samples.COUNTS,
        "default": samples.COUNTS[-1], "tokenizers": samples.tokenizers(team), "versions": versions,
        "before": "" if reward is None else f"{BEFORE}{reward.pk}",
    }  # fmt: skip


def question(team: Team, given: Mapping[str, Any]) -> Question:
    """What the form asks; NotAsked says what is wrong with it."""
    node = _node(team, given)
    version = version_against(team, str(given.get("against", "")), node)
    before = None if version is None else dict(saved.node_of(version))
    words = "" if version is None else f"version {version.number}"
    share = _number(given, "share", 0.0) / 100
    if not 0 <= share <= 1:
        raise NotAsked("The share of the run that is done is from 0 to 100 %.")
    tokenizer = str(given.get("tokenizer", ""))
    if tokenizer and tokenizer not in samples.tokenizers(team):
        raise NotAsked(f"There is no tokenizer {tokenizer[:60]!r} here.")
    return Question(node, before, words, _number(given, "threshold", 0.5), share, not given.get("unprobed"), tokenizer)


def _node(team: Team, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("tree"):
        return _tree(team, str(given["tree"]))
    source = str(given.get("source", "")).replace("\r\n", "\n")
    marks = rewardcode.check(source)
    if marks:
        raise NotAsked(f"Line {marks[0].line}: {marks[0].message}")
    return {"kind": "rewards", "name": UNSAVED, "source": source}


def _tree(team: Team, text: str) -> dict[str, Any]:
    """The tree with the texts of the team's functions in it."""
    try:
        tree = treedocs.read_text(text)
    except SpecError as error:
        raise NotAsked(f"These parts cannot be read: {error}") from None
    codes = saved.codes_of(team, treedocs.names(tree))
    for name in sorted(treedocs.names(tree) - codes.keys()):
        raise NotAsked(f"There is no saved text of {name} in this team.")
    tree = treedocs.filled(tree, codes)
    for trouble in tree_troubles("tree", tree, shelf.catalogue()):
        raise NotAsked(f"{trouble.path}: {trouble.what}")
    return treedocs.document(tree)


def _number(given: Mapping[str, Any], name: str, default: float) -> float:
    text = str(given.get(name, "")).strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise NotAsked(f"The {name} is a number, not {text[:20]!r}.")
    return value
