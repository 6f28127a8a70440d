"""Uploaded sets become local files; nothing else of the machine is read for a spec."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from labapp.accounts.models import Team
from labapp.runs.models import Run
from labapp.workshop.models import DataSet, DataVersion
from workers.contract.errors import RunError
from workers.contract.spec import SpecError
from workers.door.sources import analysis_spec, train_spec

PICK = {"kind": "credit", "name": "grpo"}
SPEC: dict[str, Any] = {
    "name": "first", "model": {}, "rewards": [], "credit": PICK, "objective": PICK, "reduction": PICK,
}  # fmt: skip


def version(team: Team, file: str = "data/rows.jsonl") -> DataVersion:
    if file:
        file = default_storage.save(file, ContentFile(b'{"prompt": "1+1="}\n'))
    made = DataSet.objects.create(team=team, name="Sums", kind=DataSet.PROMPTS)
    return DataVersion.objects.create(dataset=made, number=2, original="x", filename="x", file=file, digest="d")


def ask(run: Run, **prompts: str) -> Any:
    run.spec = SPEC | {"prompts": prompts}
    return train_spec(run).prompts


def test_it_works(run: Run) -> None:
    made = version(run.team)
    prompts = ask(run, dataset=f"{made.dataset_id}@2")
    assert prompts.dataset == ""
    assert "1+1=" in Path(prompts.path).read_text()


def test_an_analysis_reads_a_set_too(run: Run) -> None:
    made = version(run.team)
    run.spec = {"name": "scores", "rewards": [], "dataset": f"{made.dataset_id}@2"}
    assert analysis_spec(run).path.endswith(".jsonl")


def test_another_teams_set_is_not_there(run: Run) -> None:
    made = version(Team.objects.create(name="Elsewhere", slug="elsewhere"))
    with pytest.raises(RunError, match="no data set"):
        ask(run, dataset=f"{made.dataset_id}@2")


@pytest.mark.parametrize("address", ["", "1", "x@1", "1@", "1@99", "٣@1", "1@1@1"])
def test_an_address_that_names_nothing(run: Run, address: str) -> None:
    version(run.team)
    if address:
        with pytest.raises(RunError, match="no data set"):
            ask(run, dataset=address)
    else:
        assert ask(run, dataset=address).path == ""


def test_a_set_whose_columns_are_not_mapped(run: Run) -> None:
    made = version(run.team, file="")
    with pytest.raises(RunError, match="not mapped"):
        ask(run, dataset=f"{made.dataset_id}@2")


def test_a_set_whose_file_is_gone(run: Run) -> None:
    made = version(run.team)
    default_storage.delete(made.file)
    with pytest.raises(RunError, match="is gone"):
        ask(run, dataset=f"{made.dataset_id}@2")


def test_a_path_is_for_the_command_line(run: Run) -> None:
    with pytest.raises(RunError, match="not paths"):
        ask(run, path="/etc/passwd")
    run.spec = {"name": "scores", "rewards": [], "path": "/etc/passwd"}
    with pytest.raises(RunError, match="not paths"):
        analysis_spec(run)


def test_a_document_that_is_no_spec_says_the_field(run: Run) -> None:
    run.spec = SPEC | {"prompts": 3}
    with pytest.raises(SpecError, match="prompts"):
        train_spec(run)
