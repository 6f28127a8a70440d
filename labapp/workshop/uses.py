"""Which runs use a data set, a reward or an algorithm: what was used is not deleted, or nobody could repeat the run."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from labapp.runs.models import Run
from labapp.workshop.models import Algorithm, DataSet, Reward
from labapp.workshop.references import reference_of


def runs_of_data(dataset: DataSet, number: int | None = None) -> QuerySet[Run]:
    """The runs and analyses of a data set, of one version where a number is given; newest first."""
    if number is None:
        address = reference_of(dataset.pk, "")
        used = Q(spec__prompts__dataset__startswith=address) | Q(spec__dataset__startswith=address)
    else:
        address = reference_of(dataset.pk, number)
        used = Q(spec__prompts__dataset=address) | Q(spec__dataset=address)
    return Run.objects.filter(used, team=dataset.team_id).order_by("-created")


def runs_of_reward(reward: Reward) -> QuerySet[Run]:
    """The runs that use any saved version of a reward, newest first."""
    used = Q()
    for one in reward.versions.defer("source"):
        used |= Q(spec__rewards__contains=[{"name": one.reference}])
    return Run.objects.filter(used, team=reward.team_id).order_by("-created") if used else Run.objects.none()


def runs_of_algorithm(algorithm: Algorithm) -> QuerySet[Run]:
    """The runs that took their parts from any version of an algorithm, newest first."""
    used = Run.objects.filter(spec__algorithm__startswith=reference_of(algorithm.pk, ""), team=algorithm.team_id)
    return used.order_by("-created")


def refusal(what: str, runs: Iterable[Run]) -> str:
    """Why something that runs use is not deleted; empty when none does."""
    names = [f"{run.name}{' (deleted, but it can be brought back)' if run.deleted else ''}" for run in runs]
    if not names:
        return ""
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{what} is used by {shown}, which could not be repeated without it."
