"""The shelf reads files as text, notices changes when developing, and notices a worker that reads other files."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings

from labapp import shelf
from workers.contract.catalogue import ROOT, Catalogue, read_catalogue

METHOD = '''"""A reward for tests. It is always the same."""

from workers.contract.card import Card, Source

CARD = Card(title="{title}", formula="r = 1", source=Source("Nobody", "nowhere"), relatives=("rewards/other",))


def reward(answers):
    return [1.0 for _ in answers.texts]
'''


@pytest.fixture
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of methods with one reward, in the place of the project's."""
    (tmp_path / "rewards").mkdir()
    (tmp_path / "rewards" / "same.py").write_text(METHOD.format(title="Same"))
    monkeypatch.setattr(shelf, "ROOT", tmp_path)
    shelf._read.cache_clear()
    yield tmp_path
    shelf._read.cache_clear()


def test_it_works() -> None:
    found = shelf.catalogue()
    assert found.digest == read_catalogue(ROOT).digest
    assert "credit/grpo" in found.methods


def test_reading_imports_no_method() -> None:
    """In a process of its own: here, tests of the methods may have imported them before."""
    code = "import sys; from labapp import shelf; shelf.catalogue(); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT.parent, capture_output=True, text=True, check=True)
    seen = told.stdout.split()
    assert "workers.contract.methodfile" in seen
    assert not any(name.startswith(("workers.credit.", "workers.objectives.", "torch")) for name in seen)


def test_it_is_read_once(own_root: Path, settings: Settings) -> None:
    settings.DEBUG = False
    first = shelf.catalogue()
    (own_root / "rewards" / "same.py").write_text(METHOD.format(title="Changed"))
    assert shelf.catalogue() is first


def test_with_debug_a_changed_file_is_read_again(own_root: Path, settings: Settings) -> None:
    settings.DEBUG = True
    first = shelf.catalogue()
    assert shelf.catalogue() is first
    (own_root / "rewards" / "same.py").write_text(METHOD.format(title="Changed"))
    (own_root / "rewards" / "more.py").write_text(METHOD.format(title="More"))
    second = shelf.catalogue()
    assert {method.card.title for method in second.methods.values()} == {"Changed", "More"}
    assert second.digest != first.digest


def test_relatives_go_both_ways(own_root: Path, settings: Settings) -> None:
    settings.DEBUG = True
    (own_root / "rewards" / "other.py").write_text(
        METHOD.format(title="Other").replace("rewards/other", "rewards/gone")
    )
    found: Catalogue = shelf.catalogue()
    assert [one.name for one in shelf.relatives(found.get("rewards", "other"))] == ["same"]
    assert [one.name for one in shelf.relatives(found.get("rewards", "same"))] == ["other"]


def test_checks_are_the_names_of_its_tests(own_root: Path, tmp_path: Path, settings: Settings) -> None:
    settings.DEBUG = True
    method = shelf.catalogue().get("rewards", "same")
    assert shelf.checks(method, tmp_path / "tests") == []
    (tmp_path / "tests" / "rewards").mkdir(parents=True)
    (tmp_path / "tests" / "rewards" / "test_same.py").write_text(
        'def helper(): ...\ndef test_it_is_one():\n    """By hand: 1."""\n    raise SystemExit("never run")\n'
    )
    assert shelf.checks(method, tmp_path / "tests") == [shelf.Check("it is one", "By hand: 1.")]


def test_a_worker_that_reads_other_files_is_noticed(servers: object) -> None:
    cache.delete(shelf.WORKER_DIGEST)
    assert shelf.worker_differs() is None
    cache.set(shelf.WORKER_DIGEST, shelf.catalogue().digest)
    assert shelf.worker_differs() is None
    cache.set(shelf.WORKER_DIGEST, "0123456789ab")
    try:
        assert shelf.worker_differs() == "0123456789ab"
    finally:
        cache.delete(shelf.WORKER_DIGEST)
