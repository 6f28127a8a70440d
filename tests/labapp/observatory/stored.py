"""Runs with rollouts, files, events and points, stored as the door stores them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.utils import timezone

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.observatory.models import Rollout
    from labapp.runs.models import Run


def document(name: str = "a run", labels: Sequence[str] = ("correct", "brevity"), **more: Any) -> dict[str, Any]:
    """As much of a spec as the pages read."""
    rewards = [{"label": label, "name": "brevity", "weight": 1.0} for label in labels]
    return {"name": name, "rewards": rewards, "budget": {"steps": 10}, **more}


def make_run(team: Team, owner: User, name: str = "a run", kind: str = "train", **more: Any) -> Run:
    """A draft of `owner` in `team`."""
    from labapp.runs import launch

    return launch.create(team, owner, document(name, **more), "Experiment", kind=kind)


def add_rollouts(run: Run, rows: Iterable[dict[str, Any]], step: int = 1) -> list[Rollout]:
    """One index row for each of `rows`, which say what is special about them."""
    from labapp.observatory.models import Rollout

    made = []
    for index, row in enumerate(rows):
        plain = {
            "step": step, "index": index, "group": index // 2, "prompt_key": "key", "prompt": "1+1=",
            "completion": f"#{index}", "end": "finished", "length": 2, "rewards": {"correct": 1.0, "brevity": 0.5},
            "total": 1.5, "advantage": 0.0, "file": f"runs/{run.pk}/rollouts/step-{step:06d}.parquet",
        }  # fmt: skip
        made.append(Rollout(run=run, **{**plain, **row}))
    return Rollout.objects.bulk_create(made)


def save_file(file: str, tokens: Sequence[Sequence[str]], totals: Sequence[float | None] | None = None) -> None:
    """The Parquet file of a step: one completion for each list of `tokens`, all in group 0."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from labapp.runs import files

    count = len(tokens)
    columns = {
        "step": [1] * count, "index": list(range(count)), "group": [0] * count, "prompt": ["1+1="] * count,
        "completion": ["".join(row) for row in tokens], "answer": ["2"] * count, "end": ["finished"] * count,
        "length": [len(row) for row in tokens], "token_ids": [[0 for _ in row] for row in tokens],
        "pieces": [list(row) for row in tokens], "mask": [[True] * len(row) for row in tokens],
        "reward_total": list(totals or [1.0] * count), "reward.correct": [1.0] * count, "advantage": [0.0] * count,
        "columns": ["{}"] * count, "stream.advantage": [[0.5] * len(row) for row in tokens],
    }  # fmt: skip
    columns["token_ids"] = [[ord(piece[0]) for piece in row] for row in tokens]
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    files.save(file, buffer.getvalue())


def add_events(run: Run, rows: Iterable[tuple[int, int, str, dict[str, Any]]]) -> None:
    """Events from (attempt, step, kind, data), numbered on from the run's last one."""
    from labapp.runs.models import Event, Run

    seq = Run.objects.get(pk=run.pk).last_seq
    made = []
    for attempt, step, kind, data in rows:
        seq += 1
        made.append(Event(run=run, seq=seq, attempt=attempt, step=step, kind=kind, data=data, at=timezone.now()))
    Event.objects.bulk_create(made, batch_size=500)
    Run.objects.filter(pk=run.pk).update(last_seq=seq)
