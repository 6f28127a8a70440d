"""The table of rollouts: what the address asks for, as a query that the database sorts, filters and pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, F, FloatField, Max, Min, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import QueryDict

from labapp.observatory.models import Rollout
from labapp.runs.models import Run

PAGE = 50
SORTS = ("index", "step", "group", "length", "total", "advantage", "label", "end")
MOST_NODE_ROWS = 4096


class AskedWrong(ValueError):
    """A filter in the address that cannot be read; the message names it."""


@dataclass(frozen=True)
class Filters:
    """What the address asks for. `node` lists the rows of a tree's node; `least` (reached) and `most` (not reached)
    bound one reward, `label_least` and `label_most` the label. `source` is None for all, "" for rows without one.
    """

    step: int | None = None
    steps: tuple[int, int] | None = None
    group: int | None = None
    text: str = ""
    sort: str = ""
    node: tuple[int, ...] = ()
    reward: str = ""
    least: float | None = None
    most: float | None = None
    label_least: float | None = None
    label_most: float | None = None
    source: str | None = None

    @property
    def step_alone(self) -> bool:
        """Whether all rows are of one step, so that a column of steps would say nothing."""
        return self.step is not None or (self.steps is not None and self.steps[0] == self.steps[1])


def read_filters(asked: QueryDict) -> Filters:
    """The filters of an address; AskedWrong names one that is no number, no range or no text."""
    for name, values in asked.lists():
        if any("\x00" in value for value in values):
            raise AskedWrong(f"{name!r}: a text without the character NUL is needed")
    return Filters(
        step=_whole(asked, "step"),
        steps=_range(asked),
        group=_whole(asked, "group"),
        text=asked.get("q", "").strip()[:200],
        sort=asked.get("sort", ""),
        node=tuple(_whole_text("node", part) for part in asked.get("node", "").split(",") if part)[:MOST_NODE_ROWS],
        reward=asked.get("reward", ""),
        least=_real(asked, "least"),
        most=_real(asked, "most"),
        label_least=_real(asked, "label_least"),
        label_most=_real(asked, "label_most"),
        source=asked.get("source"),
    )


def find(run: Run, filters: Filters) -> QuerySet[Rollout]:
    """The rollouts of a run that match, in the order asked for (newest step first where none is)."""
    rows = Rollout.objects.filter(run=run)
    rows = _given(rows, {
        "step": filters.step, "group": filters.group, "source": filters.source,
        "label__gte": filters.label_least, "label__lt": filters.label_most,
    })  # fmt: skip
    if filters.steps is not None:
        rows = rows.filter(step__range=filters.steps)
    if filters.node:
        rows = rows.filter(index__in=filters.node)
    if filters.text:
        rows = rows.filter(Q(prompt__icontains=filters.text) | Q(completion__icontains=filters.text))
    return _ordered(_bounded(rows, filters), filters.sort)


def _bounded(rows: QuerySet[Rollout], filters: Filters) -> QuerySet[Rollout]:
    if not filters.reward or (filters.least is None and filters.most is None):
        return rows
    return _given(_with_reward(rows, filters.reward), {"chosen__gte": filters.least, "chosen__lt": filters.most})


def _given(rows: QuerySet[Rollout], lookups: dict[str, Any]) -> QuerySet[Rollout]:
    """The rows that pass those lookups that the address gives a value."""
    return rows.filter(**{lookup: value for lookup, value in lookups.items() if value is not None})


def _with_reward(rows: QuerySet[Rollout], label: str) -> QuerySet[Rollout]:
    return rows.annotate(chosen=Cast(KeyTextTransform(label, "rewards"), FloatField()))


def _ordered(rows: QuerySet[Rollout], sort: str) -> QuerySet[Rollout]:
    name = sort.removeprefix("-")
    if name.startswith("reward."):
        rows, name = _with_reward(rows, name.removeprefix("reward.")), "chosen"
    elif name not in SORTS:
        return rows.order_by("-step", "index")
    column = F(name).desc(nulls_last=True) if sort.startswith("-") else F(name).asc(nulls_last=True)
    return rows.order_by(column, "-step", "index")


def groups(run: Run, step: int) -> list[dict[str, Any]]:
    """The groups of a step in order: number, prompt, mean total reward, and its spread (largest less smallest)."""
    rows = Rollout.objects.filter(run=run, step=step).values("group", "prompt")
    rows = rows.annotate(mean=Avg("total"), spread=Max("total") - Min("total"))
    return [dict(row) for row in rows.order_by("group")]


def telling(found: list[dict[str, Any]]) -> int:
    """The number of the group whose rewards lie furthest apart (the first of them): where credit has most to say."""
    best: int = max(found, key=lambda group: group["spread"] or 0.0)["group"]
    return best


def csv_rows(rows: QuerySet[Rollout], labels: list[str]) -> Iterator[list[Any]]:
    """A head and one line a rollout, for export."""
    yield ["step", "index", "group", "prompt", "completion", "answer", "end", "length", "total", "advantage", "label",
           "source", *[f"reward.{label}" for label in labels]]  # fmt: skip
    for row in rows.iterator(chunk_size=1000):
        yield [row.step, row.index, row.group, row.prompt, row.completion, row.answer, row.end, row.length, row.total,
               row.advantage, row.label, row.source, *[row.rewards.get(label) for label in labels]]  # fmt: skip


def _whole(asked: QueryDict, name: str) -> int | None:
    text = asked.get(name, "")
    return _whole_text(name, text) if text else None


def _whole_text(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise AskedWrong(f"{name}: a whole number is needed, not {text[:40]!r}")
    return int(text)


def _real(asked: QueryDict, name: str) -> float | None:
    text = asked.get(name, "")
    try:
        return float(text) if text else None
    except ValueError:
        raise AskedWrong(f"{name}: a number is needed, not {text[:40]!r}") from None


def _range(asked: QueryDict) -> tuple[int, int] | None:
    text = asked.get("steps", "")
    if not text:
        return None
    low, dash, high = text.partition("-")
    if not dash:
        raise AskedWrong(f"steps: a range such as 10-20 is needed, not {text[:40]!r}")
    return _whole_text("steps", low), _whole_text("steps", high)
