"""The saved version that a dry run compares with: one that was chosen, or the newest that says something else."""

from collections.abc import Mapping
from typing import Any

from labapp.accounts.models import Team
from labapp.workshop import saved
from labapp.workshop.models import RewardVersion

OFFERED = 20  # versions to choose from
BEFORE = "before:"  # and the number of the reward: the newest version that differs from what is tried


def version_against(team: Team, chosen: str, node: Mapping[str, Any]) -> RewardVersion | None:
    """The team's version that the form's choice names, for a reward with this document; None for no comparison."""
    if not chosen.startswith(BEFORE):
        return saved.version_of(team, chosen)
    number = chosen.removeprefix(BEFORE)
    if not number.isdecimal() or len(number) > 18:
        return None
    versions = RewardVersion.objects.filter(reward__team=team, reward_id=int(number)).order_by("-number")[:OFFERED]
    return next((one for one in versions if _text(dict(saved.node_of(one))) != _text(node)), None)


def _text(node: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes a reward another one: a function's text, or a tree."""
    return ("", node) if node.get("of") else (node.get("source"), node.get("params") or {})
