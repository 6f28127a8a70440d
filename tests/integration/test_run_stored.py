"""From a file to a trained model: preference pairs are uploaded, mapped, and learned from by a real worker."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from labapp.accounts.models import User
from labapp.runs import feed, launch
from labapp.runs.models import Run
from labapp.workshop.models import DataVersion
from tests.conftest import Servers
from tests.integration.conftest import until
from tests.integration.tiny import make_tiny
from tests.labapp.conftest import signed_in
from tests.labapp.workshop.conftest import REAL
from tests.labapp.workshop.test_pairing import judged

STEPS = {"steps": 12, "eval_every": 6, "eval_prompts": 4, "checkpoint_every": 12}
MakeRun = Callable[..., Run]

pytestmark = pytest.mark.usefixtures("train_worker")


@pytest.fixture
def shared_files(servers: Servers, settings: Any) -> None:
    """Uploads go where the worker looks for them."""
    place = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": servers.home / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": place}


def uploaded(rows: list[dict[str, Any]], **fields: str) -> DataVersion:
    """Rows that Alice uploads and maps as a person does."""
    client = signed_in(User.objects.get(name="Alice"))
    content = "\n".join(json.dumps(row) for row in rows).encode()
    page = client.post("/data/upload/", {"file": SimpleUploadedFile("pairs.jsonl", content)})["Location"]
    assert client.post(page, {"do": "confirm", **fields}).status_code == 302
    return DataVersion.objects.latest("pk")


def learned(make_run: MakeRun, version: DataVersion, **parts: Any) -> dict[str, dict[str, float]]:
    """The curves of a run on the set, from launch to its end."""
    offline: dict[str, Any] = {
        "prompts": {"dataset": f"{version.dataset_id}@1", "heldout_share": 0.2}, "credit": None, "regularisers": [],
        "objective": {"kind": "preferences", "name": "dpo"}, "pool": {"prompts": 0, "siblings": 4, "rounds": 1},
        "budget": STEPS,
    }  # fmt: skip
    run = make_run(**(offline | parts))
    launch.enqueue(run)
    assert until(run, "done", "failed").state == "done", run.reason
    metrics: dict[str, dict[str, float]] = feed.view(run.pk)["metrics"]
    return metrics


@pytest.mark.usefixtures("shared_files")
def test_dpo_learns_from_uploaded_pairs(make_run: MakeRun) -> None:
    rows = [
        {"chosen": [{"role": "user", "content": f"{n}+1="}, {"role": "assistant", "content": f"#{n + 1}"}],
         "rejected": [{"role": "user", "content": f"{n}+1="}, {"role": "assistant", "content": "7;7;7"}]}
        for n in range(40)
    ]  # fmt: skip
    version = uploaded([*rows, {"chosen": "x", "rejected": "y"}], kind="pairs", chosen="chosen", rejected="rejected")
    assert (version.rows, [bad["line"] for bad in version.bad]) == (40, [41])
    curves = learned(make_run, version)
    margins = curves["preferences/margin"]
    assert abs(margins["1"]) < 0.5 < margins["12"]
    assert curves["preferences/accuracy"]["12"] == 1.0


@pytest.mark.usefixtures("shared_files")
def test_recorded_completions_are_learned_from_too(make_run: MakeRun) -> None:
    rows = [{"prompt": f"{n}+1=", "completion": text, "label": share} for n in range(40) for text, share in
            ((f"#{n + 1}", 0.9), ("7;7;7", 0.6))]  # fmt: skip
    fields = {"completion.0.text": "completion", "completion.0.label": "label"}
    version = uploaded(rows, kind="completions", prompt="prompt", **fields)
    curves = learned(make_run, version)
    assert curves["preferences/margin"]["12"] > 0.5


@pytest.mark.usefixtures("shared_files")
def test_judgements_of_people_are_learned_from(make_run: MakeRun, tmp_path: Path) -> None:
    path = Path(REAL) / "qa-feedback-dev.json"
    if not path.exists():
        pytest.skip(f"the public data set {path.name} is not at {REAL}")
    fields = {"kind": "pairs", "prompt": "question", "chosen": "chosen", "rejected": "rejected", "longest": "500"}
    version = uploaded(judged(path.read_bytes()), **fields)
    assert version.rows >= 40
    model = {"name": str(make_tiny(tmp_path / "model", positions=512))}
    curves = learned(make_run, version, model=model, budget=STEPS | {"steps": 4, "eval_every": 0})
    assert set(curves["preferences/margin"]) == {"1", "2", "3", "4"}
