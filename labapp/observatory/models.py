"""The index of stored rollouts: one row a completion, its tokens and streams in a Parquet file."""

from django.db import models

from labapp.runs.models import Run


class Rollout(models.Model):
    """One completion of one step. `file` is the step's Parquet in storage, `index` its row there.

    `rewards` is {label: value or null}; `total` their weighted sum; `advantage` its mean over the tokens; `label` is
    what a recorded completion was judged to be (null where nobody judged). `prompt_key` is the same for the same
    prompt at every step.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="rollouts")
    step = models.PositiveIntegerField()
    index = models.PositiveIntegerField()
    group = models.PositiveIntegerField()
    prompt_key = models.CharField(max_length=16)
    prompt = models.TextField()
    completion = models.TextField()
    answer = models.TextField(blank=True)
    end = models.CharField(max_length=10)
    length = models.PositiveIntegerField()
    rewards = models.JSONField()
    total = models.FloatField(null=True)
    advantage = models.FloatField(null=True)
    label = models.FloatField(null=True)
    source = models.CharField(max_length=80, blank=True)
    file = models.CharField(max_length=200)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "step", "index"], name="rollout_place"),)
        indexes = (models.Index(fields=["run", "step", "group"]), models.Index(fields=["run", "prompt_key"]))

    def __str__(self) -> str:
        return f"step {self.step} #{self.index}"
