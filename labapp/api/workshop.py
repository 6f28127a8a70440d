"""What the team defined, over REST: data sets, rewards, and algorithms."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from labapp.accounts.access import require
from labapp.api.asked import Word
from labapp.api.workshop_schemas import Algorithms, DataSets, Rewards
from labapp.workshop.models import AlgorithmVersion, DataVersion, RewardVersion

datasets = Router(tags=["data sets"])
rewards = Router(tags=["rewards"])
algorithms = Router(tags=["algorithms"])
MOST = 1000


@datasets.get("", response=DataSets)
def list_datasets(request: HttpRequest, kind: Word = "") -> dict[str, Any]:
    """Every confirmed version of the team's data sets, newest first."""
    found = DataVersion.objects.filter(dataset__team=require(request, "see")).exclude(file="").select_related("dataset")
    found = found.filter(dataset__kind=kind) if kind else found
    return {"datasets": [_dataset(one) for one in found.order_by("-created")[:MOST]]}


@rewards.get("", response=Rewards)
def list_rewards(request: HttpRequest) -> dict[str, Any]:
    """Every saved version of the team's rewards, newest first."""
    found = RewardVersion.objects.filter(reward__team=require(request, "see")).select_related("reward")
    return {"rewards": [_reward(one) for one in found.order_by("-created")[:MOST]]}


@algorithms.get("", response=Algorithms)
def list_algorithms(request: HttpRequest) -> dict[str, Any]:
    """Every saved version of the team's algorithms, newest first."""
    found = AlgorithmVersion.objects.filter(algorithm__team=require(request, "see")).select_related("algorithm")
    return {"algorithms": [_algorithm(one) for one in found.order_by("-created")[:MOST]]}


def _dataset(one: DataVersion) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "name": one.dataset.name,
        "version": one.number,
        "kind": one.dataset.kind,
        "rows": one.rows,
        "bad": len(one.bad),
        "columns": one.columns,
        "created": one.created,
    }


def _reward(one: RewardVersion) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "name": one.reward.name,
        "version": one.number,
        "message": one.message,
        "source": one.source,
        "tree": one.tree,
        "created": one.created,
    }


def _algorithm(one: AlgorithmVersion) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "name": one.algorithm.name,
        "version": one.number,
        "message": one.message,
        "document": one.document,
        "created": one.created,
    }
