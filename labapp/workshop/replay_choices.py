"""What may be replayed on a run: saved rewards, methods of the catalogue, and the run's own rewards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labapp import shelf
from labapp.accounts.models import Team
from labapp.runs.models import Run
from labapp.workshop import treedocs
from labapp.workshop.samples import runs
from labapp.workshop.saved import node_of, saved_rewards, version_of, words_of
from workers.contract import analysis
from workers.contract.rewardnode import LEAF, Node
from workers.contract.spec import RewardPick, SpecError, from_dict

OWN, METHOD = "own:", "method:"
SPANS = (
    ("newest", "the newest 10 steps"),
    ("spread", "10 steps over the whole run"),
    ("last", "the newest step alone"),
)
LISTED = 300  # saved versions that the list of choices holds
OFFERED = 12  # runs that the page of a reward offers
# What a reward asks for that takes other machines, money or a large model: a viewer starts none of it.
COSTLY = {"chats", "service", "reward_model", "likelihood"}
Choices = list[tuple[str, list[tuple[str, str]]]]


class NotReplayed(ValueError):
    """Why there is nothing to replay, and what to do."""


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a reward by name (as `choices` has it), the run's reward in whose place it stands
    (empty: all of them), and which steps (see `SPANS`)."""

    reward: str = ""
    instead: str = ""
    span: str = SPANS[0][0]


def read(data: Mapping[str, str]) -> Asked:
    """`with`, `instead` and `span` of an address or a form."""
    span = data.get("span", "")
    return Asked(data.get("with", ""), data.get("instead", ""), span if span in dict(SPANS) else SPANS[0][0])


def choices(team: Team, run: Run) -> Choices:
    """(heading, [(name, words)]); headings without a choice are left out."""
    saved = [(name, words_of(one)) for name, one in list(saved_rewards(team).items())[:LISTED]]
    methods = [(f"{METHOD}{one.name}", one.card.title) for one in shelf.catalogue().of("rewards")]
    try:
        own = [(f"{OWN}{one.label}", one.label) for one in picks(run)]
    except NotReplayed:
        own = []
    groups = [("Saved rewards", saved), ("Methods, with their defaults", methods), ("This run's own", own)]
    return [(heading, found) for heading, found in groups if found]


def ended(team: Team) -> list[Run]:
    """The team's newest runs that have ended and stored completions: what a reward is replayed on from its own page."""
    return [run for run in runs(team) if not run.is_live][:OFFERED]


def picks(run: Run) -> tuple[RewardPick, ...]:
    """The run's rewards; NotReplayed where its document cannot be read."""
    try:
        return (analysis.from_dict(run.spec) if run.kind == Run.ANALYSIS else from_dict(run.spec)).rewards
    except SpecError as error:
        raise NotReplayed(f"This lab cannot read the run ({error}).") from error


def reward_of(team: Team, run: Run, name: str) -> tuple[str, Mapping[str, Any]]:
    """What a choice is called, and its document; NotReplayed where there is no such choice."""
    if name.startswith(OWN):
        label = name.removeprefix(OWN)
        found = next((one for one in picks(run) if one.label == label), None)
        if found is None:
            raise NotReplayed(f"This run has no reward {label!r}: choose another.")
        return label, treedocs.document(found.tree or Node(LEAF, found.name, found.params, "", found.source))
    method = shelf.catalogue().methods.get(f"{LEAF}/{name.removeprefix(METHOD)}")
    if name.startswith(METHOD) and method is not None:
        return method.card.title, treedocs.document(Node(LEAF, method.name, method.defaults()))
    version = version_of(team, name)
    if version is None:
        raise NotReplayed("Choose a reward: this team has no such one.")
    return words_of(version), node_of(version)


def costs(document: Mapping[str, Any]) -> bool:
    """Whether any part of a reward asks a judge, a service or a further model; see `COSTLY`."""
    known = shelf.catalogue().methods
    try:
        parts = [known.get(f"{node.kind}/{node.name}") for _, node in treedocs.read(document).walk()]
    except SpecError:
        return True  # the worker will say why it cannot be read
    return any(one is not None and COSTLY.intersection(one.needs) for one in parts)
