"""A team's saved rewards by what names them in a run's document, and their texts as forms hold them."""

from collections.abc import Iterable, Mapping

from django.db.models import Q

from labapp.accounts.models import Team
from labapp.workshop import treedocs
from labapp.workshop.models import RewardVersion
from labapp.workshop.references import CODE, SAVED, read_reference
from workers.contract.rewardnode import Node
from workers.contract.spec import SpecError


def saved_rewards(team: Team) -> dict[str, RewardVersion]:
    """Every version by `code:<id>@<version>` or `tree:<id>@<version>`, newest first within a reward."""
    saved = RewardVersion.objects.filter(reward__team=team).select_related("reward").order_by("reward__name", "-number")
    return {one.reference: one for one in saved}


def texts_of(saved: Mapping[str, RewardVersion]) -> dict[str, str]:
    """The text of each version: its Python, or its tree as JSON."""
    return {reference: text_of(one) for reference, one in saved.items()}


def text_of(version: RewardVersion) -> str:
    """Its Python, or its tree as JSON text; empty for a tree that this version of the lab cannot read."""
    if version.tree is None:
        return version.source
    try:
        return treedocs.text_of(treedocs.read(version.tree))
    except SpecError:
        return ""


def saved_tree(text: str) -> Node | None:
    """The tree of a saved text; None where the text is none."""
    try:
        return treedocs.read_text(text) if text else None
    except SpecError:
        return None


def functions(saved: Mapping[str, RewardVersion]) -> dict[str, RewardVersion]:
    """Those that are Python."""
    return {reference: one for reference, one in saved.items() if one.tree is None}


def codes_of(team: Team, names: Iterable[str]) -> dict[str, str]:
    """The texts of the team's functions that `names` name, by name."""
    found = Q()
    for name in names:
        reference = read_reference(name.removeprefix(CODE))
        if reference is not None:
            found |= Q(reward_id=reference[0], number=reference[1])
    rows = RewardVersion.objects.filter(found, reward__team=team, tree__isnull=True) if found else ()
    return {one.reference: one.source for one in rows}


def version_of(team: Team, name: str) -> RewardVersion | None:
    """The team's version that a reference names; None when there is none (also for another team's)."""
    reference = read_reference(name.removeprefix(next((one for one in SAVED if name.startswith(one)), "")))
    if reference is None:
        return None
    rows = RewardVersion.objects.filter(reward__team=team).select_related("reward")
    one = rows.filter(reward_id=reference[0], number=reference[1]).first()
    return one if one is not None and one.reference == name else None


def node_of(version: RewardVersion) -> dict[str, object]:
    """The reward as a node of a run's document."""
    if version.tree is not None:
        return dict(version.tree)
    return {"kind": "rewards", "name": version.reference, "source": version.source}


def words_of(version: RewardVersion) -> str:
    """It as a choice reads."""
    return f"{version.reward.name} · version {version.number}"
