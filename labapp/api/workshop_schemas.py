"""The records of data sets, rewards and algorithms, as the OpenAPI page describes them."""

from datetime import datetime
from typing import Any

from ninja import Schema


class DataSetOut(Schema):
    """One version of an uploaded set; `reference` names it in a run's document."""

    reference: str
    name: str
    version: int
    kind: str
    rows: int
    bad: int
    columns: list[Any]
    created: datetime


class DataSets(Schema):
    """The team's data sets, newest first."""

    datasets: list[DataSetOut]


class RewardOut(Schema):
    """One version of a reward: the `source` of a function, or the `tree` of its parts; `reference` names it in a run's
    document."""

    reference: str
    name: str
    version: int
    message: str
    source: str
    tree: dict[str, Any] | None
    created: datetime


class Rewards(Schema):
    """The team's rewards, newest first."""

    rewards: list[RewardOut]


class AlgorithmOut(Schema):
    """One version of an algorithm; `reference` names it in a run's document, `document` holds the fields of a run's
    document that belong to it."""

    reference: str
    name: str
    version: int
    message: str
    document: dict[str, Any]
    created: datetime


class Algorithms(Schema):
    """The team's algorithms, newest first."""

    algorithms: list[AlgorithmOut]
