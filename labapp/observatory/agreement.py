"""How well a reward agrees with labels: a confusion table for each source, accuracy with an interval, Cohen's kappa."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

from django.db.models import Count, FloatField, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from labapp.observatory.models import Rollout
from labapp.runs.models import Run

Z95 = 1.959963984540054
COUNTS: tuple[Literal["both", "reward_only", "label_only", "neither", "unscored"], ...] = (
    "both", "reward_only", "label_only", "neither", "unscored",
)  # fmt: skip
HALF = 0.5  # a reward or a label from here on says yes


@dataclass(frozen=True)
class Confusion:
    """Counts of completions by what the reward and the label say; `unscored` have a label and no reward."""

    both: int
    reward_only: int
    label_only: int
    neither: int
    unscored: int = 0

    @property
    def total(self) -> int:
        """Completions that have both a reward and a label."""
        return self.both + self.reward_only + self.label_only + self.neither

    @property
    def accuracy(self) -> float | None:
        """The share on which the two agree; None without any."""
        return (self.both + self.neither) / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the accuracy (Wilson, 1927)."""
        if self.accuracy is None:
            return None
        n, share = self.total, self.accuracy
        middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        half = Z95 / (1 + Z95**2 / n) * sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance (Cohen, 1960); None where chance alone would agree always."""
        if self.accuracy is None:
            return None
        yes_reward, yes_label = self.both + self.reward_only, self.both + self.label_only
        chance = (yes_reward * yes_label + (self.total - yes_reward) * (self.total - yes_label)) / self.total**2
        return None if chance == 1 else (self.accuracy - chance) / (1 - chance)


def agreement(run: Run, label: str) -> list[dict[str, Any]]:
    """For all sources together and, where there are several, for each: `{source, table: Confusion}`.

    `source` is None for all together, "" for rows without one; the list is empty where nothing was judged. One query.
    """
    rows = Rollout.objects.filter(run=run, label__isnull=False)
    rows = rows.annotate(value=Cast(KeyTextTransform(label, "rewards"), FloatField()))
    yes, no = Q(value__gte=HALF), Q(value__lt=HALF)
    counted = rows.values("source").order_by("source").annotate(
        both=Count("pk", filter=yes & Q(label__gte=HALF)),
        reward_only=Count("pk", filter=yes & Q(label__lt=HALF)),
        label_only=Count("pk", filter=no & Q(label__gte=HALF)),
        neither=Count("pk", filter=no & Q(label__lt=HALF)),
        unscored=Count("pk", filter=Q(value__isnull=True)),
    )  # fmt: skip
    tables: list[tuple[str | None, Confusion]] = [
        (row["source"], Confusion(*(row[name] for name in COUNTS))) for row in counted
    ]
    if len(tables) > 1:
        tables.insert(0, (None, _sum([table for _, table in tables])))
    return [{"source": source, "table": table} for source, table in tables]


def _sum(tables: list[Confusion]) -> Confusion:
    return Confusion(*(sum(getattr(table, name) for table in tables) for name in COUNTS))
