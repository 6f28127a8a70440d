"""The whole report of a run, from its stored curves and its newest completions."""

from labapp.observatory.health import groups, rewards, trends
from labapp.observatory.health.finding import Finding, Row
from labapp.observatory.models import Rollout
from labapp.runs.models import MetricPoint, Run

STEPS, MOST = 10, 5000  # the newest steps that are looked at, and completions of them at most
CURVES = ("length", "entropy", "reward/total")
ORDER = {"seen": 0, "clear": 1, "unknown": 2}


def report(run: Run) -> list[Finding]:
    """Every audit of the run, those whose rule is met first. Two queries for the completions, one for the curves."""
    rows, points = _rows(run), _points(run)
    weights = {one["label"]: float(one.get("weight", 1.0)) for one in run.spec.get("rewards", [])}
    found = [
        groups.zero_variance(rows),
        groups.duplicates(rows),
        rewards.dominance(rows, weights),
        *(rewards.saturation(rows, label) for label in weights),
        trends.length_drift(points.get("length", []), rows),
        trends.entropy_collapse(points.get("entropy", []), rows),
    ]
    training = points.get("reward/total", [])
    for name, heldout in sorted(points.items()):
        if name.startswith("heldout/"):
            found.append(trends.parting(training, heldout, name.removeprefix("heldout/"), rows))
    return sorted(found, key=lambda one: ORDER[one.state])


def _rows(run: Run) -> list[Row]:
    """The completions of the newest steps, the newest first."""
    steps = Rollout.objects.filter(run=run).order_by("-step").values_list("step", flat=True).distinct()[:STEPS]
    fields = ("step", "index", "group", "completion", "length", "rewards", "total")
    stored = Rollout.objects.filter(run=run, step__in=list(steps)).order_by("-step", "index")
    return [Row(*values) for values in stored.values_list(*fields)[:MOST]]


def _points(run: Run) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    stored = MetricPoint.objects.filter(run=run).order_by("name", "step")
    for name, step, value in stored.values_list("name", "step", "value"):
        if name in CURVES or name.startswith("heldout/"):
            found.setdefault(name, []).append((step, value))
    return found
