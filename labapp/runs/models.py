"""Runs and everything numbered that happens in them.

    draft -> queued -> running -> done
                |         |-----> failed(where, what)
                |         `-----> stopping -> stopped
                `-> stopped            (a stopped or failed run may be queued again: it resumes)

Every move is a compare-and-set in `launch.py` that writes its event in the same transaction.
"""

import uuid

from django.conf import settings
from django.db import models

from labapp.accounts.models import Team

STATES = ("draft", "queued", "running", "stopping", "stopped", "done", "failed")
LIVE = ("queued", "running", "stopping")


class Experiment(models.Model):
    """A named folder of runs that belong together."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=120)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["team", "name"], name="experiment_name"),)

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One run: a training (`spec` is a RunSpec) or an analysis of recorded completions (an AnalysisSpec).

    `attempt` counts the workers that took it; a worker whose attempt is not the row's has been replaced.
    `worker` says which process has it (host:pid). `last_seq` numbers its events. `reason` is {where, what, mend,
    evidence} of a failure. `sent` is when a worker was last asked to take it (null: the broker was away). `tries`
    counts workers that died since the checkpoint of step `mark`. `deleted` hides it; the sweep removes it for good
    when it can no longer be undone.
    """

    TRAIN, ANALYSIS = "train", "analysis"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="runs")
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="runs")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="clones")
    kind = models.CharField(max_length=10, default=TRAIN)
    name = models.CharField(max_length=120)
    spec = models.JSONField()
    state = models.CharField(max_length=10, default="draft")
    reason = models.JSONField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    mark = models.PositiveIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    beat = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    queued = models.DateTimeField(null=True, blank=True)
    sent = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)
    deleted = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["team", "-created"]),
            models.Index(fields=["state", "beat"]),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        """Whether a worker has it or should have it soon."""
        return self.state in LIVE


class Event(models.Model):
    """One numbered row of a run; see `workers/contract/events.py` for the kinds."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    attempt = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    kind = models.CharField(max_length=12)
    data = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "seq"], name="event_seq"),)

    def __str__(self) -> str:
        return f"{self.run_id} #{self.seq} {self.kind}"


class MetricPoint(models.Model):
    """One number of one step; a later attempt's point replaces an earlier one's."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="points")
    name = models.CharField(max_length=120)
    step = models.PositiveIntegerField()
    value = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "name", "step"], name="point_step"),)

    def __str__(self) -> str:
        return f"{self.name}[{self.step}] = {self.value}"


class MetricLatest(models.Model):
    """The newest value of each metric of a run, so that tables of runs read one row a number."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="latest")
    name = models.CharField(max_length=120)
    step = models.PositiveIntegerField()
    value = models.FloatField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "name"], name="latest_name"),)

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class Checkpoint(models.Model):
    """A checkpoint on disk; its row is written in the transaction of its step's events."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    step = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "step"], name="checkpoint_step"),)

    def __str__(self) -> str:
        return self.name
