"""Rewards, algorithms, and data sets. What was saved never changes: every save is a new version."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from labapp.accounts.models import Team
from labapp.workshop.references import CODE, TREE, reference_of


class Reward(models.Model):
    """A reward of a team; what it is lives in its versions."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="rewards")
    name = models.CharField(max_length=80)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["team", "name"], name="reward_name"),)

    def __str__(self) -> str:
        return self.name


class RewardVersion(models.Model):
    """One saved reward: the `source` of a function in Python, or the `tree` of the parts that it is put together from
    (the document of a reward node, with the text of users' functions in it), and then no source."""

    reward = models.ForeignKey(Reward, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.TextField(blank=True)
    tree = models.JSONField(null=True)
    message = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["reward", "number"], name="reward_number"),)

    def __str__(self) -> str:
        return f"{self.reward.name}@{self.number}"

    @property
    def reference(self) -> str:
        """What names this version among the rewards of a run's document."""
        return f"{CODE if self.tree is None else TREE}{reference_of(self.reward_id, self.number)}"


class Algorithm(models.Model):
    """A recipe of a team; its parts live in its versions."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="algorithms")
    name = models.CharField(max_length=80)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["team", "name"], name="algorithm_name"),)

    def __str__(self) -> str:
        return self.name


class AlgorithmVersion(models.Model):
    """One saved recipe: `document` holds the fields of a run's document that belong to it (see algorithms.py)."""

    algorithm = models.ForeignKey(Algorithm, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    message = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["algorithm", "number"], name="algorithm_number"),)

    def __str__(self) -> str:
        return f"{self.algorithm.name}@{self.number}"

    @property
    def reference(self) -> str:
        """What names this version in a run's document."""
        return reference_of(self.algorithm_id, self.number)


class DataSet(models.Model):
    """Prompts to train on, recorded completions to analyse or learn from, or preference pairs to learn from."""

    PROMPTS, COMPLETIONS, PAIRS = "prompts", "completions", "pairs"
    STORED = (COMPLETIONS, PAIRS)  # the kinds that bring completions
    HOLDS: ClassVar = {PROMPTS: "prompts", COMPLETIONS: "recorded completions", PAIRS: "preference pairs"}

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["team", "name"], name="dataset_name"),)

    def __str__(self) -> str:
        return self.name

    @property
    def holds(self) -> str:
        """Its kind in words."""
        return str(self.HOLDS[self.kind])


class DataVersion(models.Model):
    """One upload with its mapping. `original` is the file as uploaded; `file` the mapped rows as JSONL in storage.

    `bad` lists {line, reason} of refused rows; `rows` counts the good ones. An upload whose mapping was not yet
    confirmed has an empty `file`.
    """

    dataset = models.ForeignKey(DataSet, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    original = models.CharField(max_length=200)
    filename = models.CharField(max_length=200)
    file = models.CharField(max_length=200, blank=True)
    mapping = models.JSONField(default=dict)
    columns = models.JSONField(default=list)
    rows = models.PositiveIntegerField(default=0)
    bad = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["dataset", "number"], name="data_number"),)

    def __str__(self) -> str:
        return f"{self.dataset.name}@{self.number}"

    @property
    def reference(self) -> str:
        """What names this version in a run's document."""
        return reference_of(self.dataset_id, self.number)
