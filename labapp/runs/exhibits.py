"""Exhibits as runs of a team: both arms over three seeds in an experiment of their own, and what their curves say."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labapp.accounts.models import Team, User
from labapp.runs import launch, prechecks
from labapp.runs.digests import with_digests
from labapp.runs.guided import guided
from labapp.runs.models import MetricPoint, Run
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.exhibits import ARMS, SEEDS, Verdict, better_way, interval, judge, result, runs_of
from workers.contract.method import Method
from workers.contract.modelnames import OF_RUN, renamed, runs_named
from workers.contract.spec import RunSpec, to_dict

BASELINE_MODEL = "run:baseline"
"""A model of this name in an exhibit stands for what the baseline's run of the same seed learned."""
PREFIX = "Exhibit: "  # of the names of their experiments
Points = dict[str, dict[int, dict[str, dict[int, float]]]]  # arm, seed, curve, step


@dataclass(frozen=True)
class Reading:
    """What an exhibit's newest runs say so far: the runs by arm and seed, a verdict for each curve that has one, and
    each curve's mean and interval at each step."""

    runs: dict[tuple[str, int], Run]
    verdicts: list[Verdict]
    curves: list[dict[str, Any]]

    @property
    def is_live(self) -> bool:
        """Whether a run may still say more."""
        return any(run.is_live for run in self.runs.values())

    @property
    def done(self) -> int:
        """How many runs are done."""
        return sum(run.state == "done" for run in self.runs.values())


def title(method: Method) -> str:
    """The name of its experiment."""
    return f"{PREFIX}{method.card.title}"[:120]


def specs(method: Method, catalogue: Catalogue) -> dict[str, list[RunSpec]]:
    """The runs of both arms; SpecError when the card sets a field that no run has."""
    assert method.card.exhibit is not None
    return runs_of(method.card.exhibit, guided(catalogue), method.name)


def troubles(spec: RunSpec, catalogue: Catalogue, team: Team) -> list[Trouble]:
    """What is wrong with one of its runs; that the baseline has learned nothing yet is not."""
    waiting = {path for path, name in runs_named(spec, catalogue) if name == BASELINE_MODEL}
    return [one for one in prechecks.troubles(spec, catalogue, team) if one.path not in waiting]


def start(team: Team, owner: User, method: Method, catalogue: Catalogue) -> list[Run]:
    """Make and queue every run: seed by seed, the baseline first, so that both arms grow together."""
    made: list[Run] = []
    arms = specs(method, catalogue)
    for place in range(len(SEEDS)):
        baseline = ""
        for arm in ARMS:
            spec = with_digests(_after(arms[arm][place], baseline, catalogue), catalogue)
            run = launch.create(team, owner, to_dict(spec), title(method))
            baseline = baseline or str(run.pk)
            made.append(run)
    for run in made:
        launch.enqueue(run)
    return made


def _after(spec: RunSpec, baseline: str, catalogue: Catalogue) -> RunSpec:
    """The run with models taken from the baseline's run where it asks for that."""
    return renamed(spec, catalogue, lambda path, name: f"{OF_RUN}{baseline}" if name == BASELINE_MODEL else name)


def read(team: Team, method: Method) -> Reading:
    """The newest run of each arm and seed, and what they say; a seed counts in the verdicts when both of its runs are
    done. Clones do not count: they may be other runs. Two queries."""
    exhibit = method.card.exhibit
    assert exhibit is not None
    names = {f"{method.name} {arm} {seed}": (arm, seed) for arm in ARMS for seed in SEEDS}
    rows = Run.objects.filter(team=team, experiment__name=title(method), deleted=None, parent=None, name__in=names)
    runs = {names[run.name]: run for run in rows.order_by("created")}
    points = _points(runs, exhibit.watch)
    over = {seed for seed in SEEDS if all((arm, seed) in runs and runs[arm, seed].state == "done" for arm in ARMS)}
    ends = {
        curve: {arm: {seed: end for seed, one in points[arm].items()
                      if seed in over and (end := result(one.get(curve, {}))) is not None}
                for arm in ARMS}
        for curve in exhibit.watch
    }  # fmt: skip
    found = [
        judge(curve, ends[curve][ARMS[0]], ends[curve][ARMS[1]], better_way(exhibit, curve)) for curve in exhibit.watch
    ]
    curves = [{"name": curve, "arms": [_band(arm, points[arm], curve) for arm in ARMS]} for curve in exhibit.watch]
    return Reading(runs, [verdict for verdict in found if verdict is not None], curves)


def _points(runs: dict[tuple[str, int], Run], watch: Iterable[str]) -> Points:
    made: Points = {arm: {} for arm in ARMS}
    places = {run.pk: place for place, run in runs.items()}
    rows = MetricPoint.objects.filter(run__in=list(places), name__in=list(watch)).order_by("step")
    for pk, name, step, value in rows.values_list("run_id", "name", "step", "value"):
        arm, seed = places[pk]
        made[arm].setdefault(seed, {}).setdefault(name, {})[step] = value
    return made


def _band(arm: str, seeds: dict[int, dict[str, dict[int, float]]], curve: str) -> dict[str, Any]:
    """Mean over seeds and 95 % interval at each step that every seed has."""
    each = [one[curve] for one in seeds.values() if curve in one]
    steps = sorted(set.intersection(*(set(points) for points in each))) if each else []
    found = [interval([points[step] for points in each]) for step in steps]
    return {
        "arm": arm, "step": steps, "mean": [one.mean for one in found],
        "low": [one.low for one in found], "high": [one.high for one in found], "seeds": len(each),
    }  # fmt: skip
