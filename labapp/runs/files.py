"""The files of runs: in Django's storage under `runs/<id>/`, written whole or not at all; checkpoints on local disk."""

import os
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage, storages


def folder(run_id: UUID) -> str:
    """The folder of a run's files."""
    return f"runs/{run_id}"


def checkpoints_directory() -> Path:
    """Where this machine keeps the checkpoints of all runs."""
    return Path(settings.MERIT_HOME) / "checkpoints"


def checkpoint_directory(run_id: UUID | str) -> Path:
    """Where this machine keeps the checkpoints of a run."""
    return checkpoints_directory() / str(run_id)


def save(name: str, content: bytes) -> str:
    """Store `content` under `name`, in place of what was there; a reader sees the old or the new, never a part."""
    if isinstance(storages["default"], FileSystemStorage):
        _replace(Path(default_storage.path(name)), content)
        return name
    # An object store shows an object when all of it has arrived.
    if default_storage.exists(name):
        default_storage.delete(name)
    return default_storage.save(name, ContentFile(content))


def read(name: str) -> bytes:
    """The content of a stored file."""
    with default_storage.open(name) as file:
        content: bytes = file.read()
    return content


def remove(run_id: UUID) -> None:
    """Remove every file of a run and its checkpoints on this machine; those that are gone already are no trouble."""
    _remove(folder(run_id))
    shutil.rmtree(checkpoint_directory(run_id), ignore_errors=True)


def _remove(place: str) -> None:
    try:
        folders, files = default_storage.listdir(place)
    except FileNotFoundError:
        return
    for name in files:
        default_storage.delete(f"{place}/{name}")
    for name in folders:
        _remove(f"{place}/{name}")
    default_storage.delete(place)


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
