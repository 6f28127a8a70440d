"""What a deployment stands on: compose file, Django's checks, logs for machines, and CI's refusal of skips."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from labapp.logs import JsonFormatter
from tests import lab_process
from tests.conftest import Servers

ROOT = lab_process.ROOT


def schema_problems(compose: Path) -> str:
    """What the schema of the compose specification has against a file; empty when nothing."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_compose_file_follows_the_schema() -> None:
    assert schema_problems(ROOT / "docker-compose.yml") == ""


def test_the_schema_check_notices_a_mistake(tmp_path: Path) -> None:
    broken = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    broken["services"]["web"]["prots"] = ["8000:8000"]
    (tmp_path / "compose.yml").write_text(yaml.safe_dump(broken))
    assert "prots" in schema_problems(tmp_path / "compose.yml")


def test_the_compose_file_has_every_process() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert {"postgres", "redis", "web", "beat", "quick", "train-cpu", "train-gpu"} <= services.keys()
    assert services["train-gpu"]["profiles"] == ["gpu"]
    for name in ("web", "quick", "train-cpu", "train-gpu", "beat"):
        assert services[name]["environment"]["DATABASE_URL"].endswith("@postgres:5432/merit"), name


def test_djangos_checks_for_a_deployment_are_clean(servers: Servers) -> None:
    environment = lab_process.environment_of(servers.home, 8000, HTTPS="1", ALLOWED_HOSTS="lab.example.org")
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_log_line_is_one_object() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.LogRecord("merit", logging.ERROR, "x.py", 1, "run %s", ("7",), sys.exc_info())
    record.reference = "abcd1234"
    line = JsonFormatter().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["message"], told["level"], told["reference"]) == ("run 7", "ERROR", "abcd1234")
    assert "ValueError: broken" in told["trace"]


@pytest.mark.parametrize(
    ("room", "required", "status"), [("browser", "1", 1), ("browser", "0", 0), ("workers", "1", 0)]
)
def test_ci_does_not_pass_with_a_skipped_browser_test(tmp_path: Path, room: str, required: str, status: int) -> None:
    test = tmp_path / room / "test_skipped.py"
    test.parent.mkdir()
    test.write_text("import pytest\n\ndef test_x() -> None:\n    pytest.skip('no browser here')\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), "-q"]
    environment = {**os.environ, "MERIT_REQUIRE_ALL": required, "PYTHONPATH": str(ROOT)}
    command += ["--rootdir", str(tmp_path), str(test)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
