"""The spec of a run as the engine takes it: uploaded sets and models of runs as local files."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage, storages

from labapp import shelf
from labapp.runs.models import Run
from labapp.workshop.models import DataVersion
from workers.contract import analysis, spec
from workers.contract.analysis import AnalysisSpec
from workers.contract.errors import RunError
from workers.contract.modelnames import renamed, renamed_in
from workers.contract.spec import RunSpec
from workers.door.taken import kept


def train_spec(run: Run) -> RunSpec:
    """The spec of a training run. SpecError and RunError say what is wrong with it."""
    document = dict(run.spec)
    if isinstance(document.get("prompts"), Mapping):
        document["prompts"] = _localised(document["prompts"], run)
    return renamed(spec.from_dict(document), shelf.catalogue(), lambda path, name: kept(run, name))


def analysis_spec(run: Run) -> AnalysisSpec:
    """The spec of an analysis. SpecError and RunError say what is wrong with it."""
    made = analysis.from_dict(_localised(run.spec, run))
    return renamed_in(made, shelf.catalogue(), lambda path, name: kept(run, name))


def _localised(source: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """`source` with its `dataset` turned into a `path`."""
    if source.get("path"):
        # The worker may read files that the person who launched the run may not.
        raise RunError("data", "A run of the lab reads uploaded sets, not paths.", "Upload the file as a data set.")
    if not source.get("dataset"):
        return dict(source)
    return {**source, "dataset": "", "path": str(_local(_version(str(source["dataset"]), run)))}


def _version(address: str, run: Run) -> DataVersion:
    """The version of an uploaded set of the run's team by its address `<id>@<version>`."""
    number, _, version = address.partition("@")
    rows = DataVersion.objects.filter(dataset__team=run.team_id)
    found = None
    if number.isdecimal() and version.isdecimal():
        found = rows.filter(dataset_id=int(number), number=int(version)).first()
    if found is None:
        raise RunError("data", f"There is no data set {address!r} in this team.", "Choose one of the uploaded sets.")
    if not found.file:
        raise RunError("data", f"The columns of data set {address!r} are not mapped yet.", "Confirm them on its page.")
    return found


def _local(version: DataVersion) -> Path:
    """The set's rows as a local file; those of an object store are fetched once for each of its versions."""
    if not default_storage.exists(version.file):
        raise RunError("data", f"The file of data set {version} is gone.", "Upload it again.")
    if isinstance(storages["default"], FileSystemStorage):
        return Path(default_storage.path(version.file))
    key = hashlib.sha256(version.file.encode()).hexdigest()[:16]
    place = Path(settings.MERIT_HOME) / "cache" / "data" / f"{key}.jsonl"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(".part")
        with default_storage.open(version.file) as there, beside.open("wb") as here:
            shutil.copyfileobj(there, here)
        beside.replace(place)
    return place
