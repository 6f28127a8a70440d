"""Uploaded files: stored as they came, under a version of a data set that waits for its columns to be confirmed."""

import hashlib
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max

from labapp.accounts.models import Team, User
from labapp.workshop.guessing import guess_kind, guess_mapping
from labapp.workshop.models import DataSet, DataVersion
from labapp.workshop.reading import FileError, Table, read_rows

MOST_BYTES = 64 * 2**20
SMALL = 8 * 2**20  # bytes up to which a file is read whole at every look; of larger ones the beginning
HEAD = 2**20  # bytes of that beginning
MARKS = (b"PAR1", b"[")  # files that cannot be cut at a line: Parquet, and an array of JSON


@dataclass(frozen=True)
class Sample:
    """The rows that a mapping is tried on; `whole` says that they are all rows of the file."""

    table: Table
    whole: bool


def receive(team: Team, author: User, file: "UploadedFile[Any]", name: str = "") -> DataVersion:
    """A new data set with the file as its first version, named after the file unless a name is given.

    Raises FileError with a sentence when the file is too large or nothing of it can be read, or the name is taken.
    """
    data = _read(file)
    kind = guess_kind(guess_mapping(_try(data, _filename(file)).table))
    wanted = " ".join(name.split())[:120]
    with _stored(data, file) as original, transaction.atomic():
        if wanted and DataSet.objects.filter(team=team, name=wanted).exists():
            raise FileError(f"There is a data set {wanted!r} already: choose another name, or upload the file there.")
        chosen = wanted or _free_name(team, PurePath(_filename(file)).stem[:100] or "data")
        dataset = DataSet.objects.create(team=team, name=chosen, kind=kind)
        return _version(dataset, author, file, data, original)


def receive_again(dataset: DataSet, author: User, file: "UploadedFile[Any]") -> DataVersion:
    """The file as the next version of a data set. Raises FileError as `receive` does, and for an unchanged file."""
    data = _read(file)
    _try(data, _filename(file))
    with _stored(data, file) as original, transaction.atomic():
        locked = DataSet.objects.select_for_update().get(pk=dataset.pk)
        newest = locked.versions.order_by("-number").first()
        if newest is not None and newest.digest == hashlib.sha256(data).hexdigest() and newest.file:
            raise FileError(f"This is the very file of version {newest.number}: nothing has changed.")
        return _version(locked, author, file, data, original)


def sample(version: DataVersion) -> Sample:
    """The uploaded rows: all of a small file's, the first of a large one's. FileError when the file is gone."""
    return _sample(version.original, version.filename)


def whole(version: DataVersion) -> Table:
    """All uploaded rows."""
    return read_rows(_content(version.original, version.filename), version.filename)


def forget(paths: list[str]) -> None:
    """Remove stored files; those that are gone already are none."""
    for path in filter(None, paths):
        default_storage.delete(path)


@lru_cache(maxsize=2)
def _sample(original: str, filename: str) -> Sample:
    """An uploaded file never changes, so looking at it again under another mapping reads nothing."""
    return _try(_content(original, filename), filename)


def _try(data: bytes, filename: str) -> Sample:
    if len(data) <= SMALL or data.startswith(MARKS):
        return Sample(read_rows(data, filename), True)
    return Sample(read_rows(data[: data.rfind(b"\n", 0, HEAD) + 1] or data, filename), False)


def _content(original: str, filename: str) -> bytes:
    try:
        with default_storage.open(original, "rb") as file:
            content: bytes = file.read()
    except FileNotFoundError:
        raise FileError(f"The stored file {filename} is gone: upload it again.") from None
    return content


def _read(file: "UploadedFile[Any]") -> bytes:
    size = file.size or 0
    if size > MOST_BYTES:
        what = f"{_filename(file)} has {size / 2**20:,.0f} MB; {MOST_BYTES // 2**20} MB are allowed."
        raise FileError(f"{what} Split it, or keep the columns that are needed and save it as Parquet.")
    content: bytes = file.read()
    return content


def _filename(file: "UploadedFile[Any]") -> str:
    return PurePath(file.name or "data").name[-150:]


def _free_name(team: Team, stem: str) -> str:
    taken = set(DataSet.objects.filter(team=team, name__startswith=stem).values_list("name", flat=True))
    number = 1
    while (name := stem if number == 1 else f"{stem} {number}") in taken:
        number += 1
    return name


@contextmanager
def _stored(data: bytes, file: "UploadedFile[Any]") -> Iterator[str]:
    """The file in storage, under a name that no other has; removed again when what follows fails."""
    suffix = re.sub(r"[^a-z0-9]", "", PurePath(_filename(file)).suffix.lower())[:10] or "txt"
    path = default_storage.save(f"data/{uuid.uuid4().hex}/original.{suffix}", ContentFile(data))
    try:
        yield path
    except BaseException:
        default_storage.delete(path)
        raise


def _version(dataset: DataSet, author: User, file: "UploadedFile[Any]", data: bytes, original: str) -> DataVersion:
    last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
    return DataVersion.objects.create(
        dataset=dataset, number=last + 1, original=original, filename=_filename(file), author=author,
        digest=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
