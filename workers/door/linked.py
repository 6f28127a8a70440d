"""What a run takes of another one's checkpoint, kept with it.

A run that takes up another's checkpoint goes on from the same one for as long as it lives, although the other learns
on, drops its older checkpoints or is removed: its files are linked into the run's own directory when it begins.
"""

import os
import shutil
from pathlib import Path

from labapp.runs.checkpoints import taken_directory
from labapp.runs.learned import Learned
from labapp.runs.models import Run

UNFINISHED = ".part"


def keep(run: Run, source: Learned) -> Path:
    """The model's files of a checkpoint as the run's own; whole or not at all."""
    place = taken_directory(run.pk, source.run.pk) / source.directory.name
    part = place.with_name(place.name + UNFINISHED)
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source.directory, part, ignore=_others, copy_function=_link)
    part.rename(place)
    return place


def _others(folder: str, names: list[str]) -> list[str]:
    """What a checkpoint holds beside its model and tokenizer."""
    return [
        name
        for name in names
        if name in ("state.json", "manifest.json") or (name.endswith(".safetensors") and not name.startswith("model"))
    ]


def _link(source: str, target: str) -> None:
    """The same file under another name, which takes no room; a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
