"""What tests share: one real PostgreSQL and Redis a session, and Alice, Bob, Vera and Charlie.

Settings are read once, so the lab's home is chosen here before Django loads; the servers start only
when a test asks for the database or for Redis.
"""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings as lab_settings

from tests import lab_process

GIVEN_HOME = Path(tempfile.mkdtemp(prefix="merit-test-"))
os.environ["MERIT_HOME"] = str(GIVEN_HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "labapp.settings"
os.environ.setdefault("OMP_NUM_THREADS", "1")
for name in ("DATABASE_URL", "REDIS_URL", "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "SIGN_UP_OPEN", "HTTPS"):
    os.environ.pop(name, None)  # a developer's own settings must not reach the tests
assert lab_settings.MERIT_HOME == GIVEN_HOME  # reads the settings now, so that pytest-django sets Django up
# Argon2 takes a tenth of a second on purpose; people of the tests are made by the hundred. Started labs keep it.
lab_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@dataclass(frozen=True)
class Servers:
    """Addresses of the session's own servers."""

    home: Path
    database_url: str
    redis_url: str


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and Redis of this session, on sockets in a temporary directory."""
    from labapp import embedded, places

    embedded.start_postgres(GIVEN_HOME, durable=False)
    embedded.start_redis(GIVEN_HOME)
    yield Servers(GIVEN_HOME, places.database_url(GIVEN_HOME), places.redis_url(GIVEN_HOME))
    embedded.stop_postgres(GIVEN_HOME)
    embedded.stop_redis(GIVEN_HOME)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: Servers) -> None:
    """pytest-django asks for this before it makes the test database: the server is up by then."""


@pytest.fixture(scope="session")
def live_lab() -> Iterator[lab_process.Lab]:
    """The whole lab, started as a person starts it; `url` and `link()` lead in."""
    lab = lab_process.start()
    lab.link()
    yield lab
    lab.stop()
    lab.output.unlink(missing_ok=True)
    shutil.rmtree(lab.home, ignore_errors=True)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Files that a test stores go to its own directory."""
    if "settings" in request.fixturenames or "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        settings = request.getfixturevalue("settings")
        settings.MEDIA_ROOT = tmp_path / "files"
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": tmp_path / "files"},
            },
        }


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(GIVEN_HOME, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With MERIT_REQUIRE_ALL=1 a skipped browser or integration test is a failure, so that CI cannot pass without."""
    report = yield
    must_run = {"browser", "integration"} & set(Path(str(item.path)).parts)
    if report.skipped and not hasattr(report, "wasxfail") and must_run and os.environ.get("MERIT_REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and MERIT_REQUIRE_ALL=1 allows no skip here: {report.longrepr}"
    return report
