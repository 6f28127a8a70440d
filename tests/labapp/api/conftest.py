"""A run of the team for the tests of the API, on a model that lies on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.runs.models import Run


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    """The guided run's document on a small model that lies on this machine."""
    from labapp import shelf
    from labapp.runs.guided import guided
    from tests.labapp.runs.test_prechecks import model_in
    from workers.contract.spec import to_dict

    model = {"name": str(model_in(tmp_path / "model")), "revision": "", "chat": False}
    return to_dict(guided(shelf.catalogue())) | {"model": model}


@pytest.fixture(autouse=True)
def quick_worker_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question to a served reward is answered in this process: by the worker's own function, with the real sandbox
    and the real Redis."""
    from labapp.workshop import quick, serving
    from workers.door.serve import serve

    def ask(task: str, args: list[Any], patience: float) -> quick.Asked:
        assert task == serving.TASK
        serve(*json.loads(json.dumps(args)))
        return quick.Asked("here")

    monkeypatch.setattr(quick, "ask", ask)


@pytest.fixture
def run(team: Team, alice: User, document: dict[str, Any]) -> Run:
    """A draft of the team."""
    from labapp.runs import launch

    return launch.create(team, alice, document, "Sums")
