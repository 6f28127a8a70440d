"""Which runs use a data set, a reward, an algorithm or another run's model: what was used is not deleted, or nobody
could repeat the run."""

from collections.abc import Iterable

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from labapp.runs.models import Run
from labapp.workshop.models import Algorithm, AlgorithmVersion, DataSet, Reward, RewardVersion
from labapp.workshop.references import SAVED, reference_of
from workers.contract.modelnames import OF_RUN


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
    """The runs that use any saved version of a reward, by itself or as a part of a tree; newest first."""
    return Run.objects.filter(_names("spec", "$.rewards.**", reward), team=reward.team_id).order_by("-created")


def trees_of_reward(reward: Reward) -> QuerySet[RewardVersion]:
    """The saved versions of other rewards that have one of this reward among their parts."""
    found = RewardVersion.objects.filter(_names("tree", "$.**", reward), reward__team=reward.team_id)
    return found.exclude(reward=reward).select_related("reward").order_by("reward__name", "number")


def _names(field: str, place: str, reward: Reward) -> Func:
    """Whether anything at that place of a JSON field has a name that names a version of the reward."""
    address = reference_of(reward.pk, "")
    begins = " || ".join(f'@ starts with "{one}{address}"' for one in SAVED)
    asked = "jsonb_path_exists(%(expressions)s::jsonpath)"
    return Func(F(field), Value(f"{place}.name ? ({begins})"), template=asked, output_field=BooleanField())


def runs_of_algorithm(algorithm: Algorithm) -> QuerySet[Run]:
    """The runs that took their parts from any version of an algorithm, newest first."""
    used = Run.objects.filter(spec__algorithm__startswith=reference_of(algorithm.pk, ""), team=algorithm.team_id)
    return used.order_by("-created")


def runs_of_model(name: str, team: int) -> QuerySet[Run]:
    """The runs and analyses that name a run's model (`run:<number>`) anywhere, newest first."""
    return Run.objects.filter(_holds("spec", name), team=team).order_by("-created")


def refusal_of_model(run: Run) -> str:
    """Why a run is not deleted whose model others name; empty when none does. Deleted runs do not count: what they
    named is not removed before they are."""
    name = f"{OF_RUN}{run.pk}"
    rewards = RewardVersion.objects.filter(_holds("tree", name), reward__team=run.team_id).select_related("reward")
    recipes = AlgorithmVersion.objects.filter(_holds("document", name), algorithm__team=run.team_id)
    runs = runs_of_model(name, run.team_id).filter(deleted=None).exclude(pk=run.pk)
    return refusal(run.name, runs, rewards, recipes.select_related("algorithm"))


def _holds(field: str, text: str) -> Func:
    """Whether any text within a JSON field is this one, which has no quotation mark."""
    asked = "jsonb_path_exists(%(expressions)s::jsonpath)"
    return Func(F(field), Value(f'$.** ? (@ == "{text}")'), template=asked, output_field=BooleanField())


def refusal(
    what: str,
    runs: Iterable[Run],
    rewards: Iterable[RewardVersion] = (),
    algorithms: Iterable[AlgorithmVersion] = (),
) -> str:
    """Why something that runs use, or other rewards or algorithms have as a part, is not deleted; empty when none
    does."""
    names = [f"{run.name}{' (deleted, but it can be brought back)' if run.deleted else ''}" for run in runs]
    names += [f"the reward {one.reward.name}, version {one.number}" for one in rewards]
    names += [f"the algorithm {one.algorithm.name}, version {one.number}" for one in algorithms]
    if not names:
        return ""
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{what} is used by {shown}, which could not be repeated without it."
