"""Starting and ending the lab as a person does, with everything that can be in the way caused on purpose."""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pytest

from labapp import embedded, preflight
from labapp.lab import answers
from labapp.places import Trouble
from tests import lab_process
from tests.conftest import Servers

pytestmark = pytest.mark.timeout(240)


class Usage(NamedTuple):
    """What shutil.disk_usage returns, in bytes."""

    total: int
    used: int
    free: int


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which no server is left running."""
    path = tmp_path_factory.mktemp("home") / "merit"
    yield path
    if path.exists():
        embedded.stop_redis(path)
        embedded.stop_postgres(path)


def refusal(home: Path, **environment: str) -> str:
    """What a lab that cannot start prints last; it must have ended by itself with status 1, without a trace."""
    lab = lab_process.start(home, more=environment)
    assert lab.process.wait(90) == 1, lab.said
    assert "Traceback" not in lab.said, lab.said
    last = lab.said.strip().splitlines()[-1]
    assert last.startswith("Merit cannot start: "), lab.said
    return last


def processes_of(lab: lab_process.Lab) -> list[psutil.Process]:
    """The lab's process and everything below it, and the servers, which are nobody's children."""
    parent = psutil.Process(lab.process.pid)
    servers = [
        int((lab.home / "postgres" / "postmaster.pid").read_text().split()[0]),
        int((lab.home / "redis" / "pid").read_text()),
    ]
    return [parent, *parent.children(recursive=True), *(psutil.Process(pid) for pid in servers)]


def kill_all(lab: lab_process.Lab) -> None:
    """kill -9 of every process of the lab, the supervisor first so that it cannot react."""
    for process in processes_of(lab):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    lab.process.wait(10)


def test_it_starts_and_ctrl_c_ends_every_process(home: Path) -> None:
    lab = lab_process.start(home)
    link = lab.link()
    with httpx.Client(follow_redirects=True) as client:
        page = client.get(link)
        assert (page.status_code, str(page.url)) == (200, f"{lab.url}/")
        assert "Start the guided run" in page.text
    running = processes_of(lab)
    assert len(running) >= 7  # lab, web, two workers, beat, PostgreSQL, Redis
    assert lab.stop() == 0
    _, alive = psutil.wait_procs(running, timeout=5)
    assert alive == []
    assert "Traceback" not in lab.said


def test_it_recovers_from_kill_9_of_everything(home: Path) -> None:
    first = lab_process.start(home)
    first.link()
    kill_all(first)
    second = lab_process.start(home, first.port)
    second.link()
    assert httpx.get(f"{second.url}/readyz").json() == {"database": True, "redis": True}
    assert second.stop() == 0


def test_a_second_start_is_quick(home: Path) -> None:
    first = lab_process.start(home)
    first.link()
    first.stop()
    begun = time.monotonic()
    second = lab_process.start(home, first.port)
    second.link()
    assert time.monotonic() - begun < 10, second.said
    assert second.stop() == 0


def test_leftovers_of_a_killed_supervisor_are_ended_by_the_next_start(home: Path) -> None:
    first = lab_process.start(home)
    first.link()
    web = json.loads((home / "processes.json").read_text())[0]["pid"]
    first.process.kill()
    first.process.wait(10)
    assert psutil.pid_exists(web)
    second = lab_process.start(home, first.port)
    second.link()
    assert "processes of a lab that was killed were ended" in second.said
    assert not psutil.pid_exists(web) or psutil.Process(web).status() == psutil.STATUS_ZOMBIE
    assert second.stop() == 0


def test_a_dead_child_is_started_again_with_one_line(home: Path) -> None:
    lab = lab_process.start(home)
    lab.link()
    web = json.loads((home / "processes.json").read_text())[0]["pid"]
    os.kill(web, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while not (answers(f"{lab.url}/readyz") and "web was killed by SIGKILL; it starts again" in lab.said):
        assert time.monotonic() < deadline, lab.said
        time.sleep(0.1)
    assert lab.said.count("web was killed") == 1
    assert lab.stop() == 0


def test_a_dead_server_is_started_again(home: Path) -> None:
    lab = lab_process.start(home)
    lab.link()
    os.kill(int((home / "redis" / "pid").read_text()), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while "Redis had ended and was started again" not in lab.said:
        assert time.monotonic() < deadline, lab.said
        time.sleep(0.1)
    assert httpx.get(f"{lab.url}/readyz", timeout=10).status_code == 200
    assert lab.stop() == 0


def test_a_second_lab_in_the_same_home_is_refused(home: Path) -> None:
    lab = lab_process.start(home)
    lab.link()
    assert f"a lab already runs from {home} at {lab.url}" in refusal(home)
    assert httpx.get(f"{lab.url}/readyz").status_code == 200  # and the first was not touched
    assert lab.stop() == 0


def test_a_taken_port(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal(home, PORT=str(port))
    assert f"port {port} is taken by another program: PORT={port % 65535 + 1} make run" in said
    assert not (home / "postgres").exists()  # found out before anything was started


def test_a_port_that_is_none(home: Path) -> None:
    assert "PORT=http is no port" in refusal(home, PORT="http")


def test_a_home_that_cannot_be_written() -> None:
    assert "set MERIT_HOME to a directory you may write to" in refusal_of_home("/proc/merit")


def refusal_of_home(home: str) -> str:
    environment = {**lab_process.environment_of(Path(home), lab_process.free_port())}
    done = subprocess.run(
        [sys.executable, "-m", "labapp.start"],
        cwd=lab_process.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


def test_a_disk_that_fills_up_while_starting(home: Path) -> None:
    """A limit of 1 MB on the size of files stands for the disk: the kernel refuses to write, as a full disk does."""
    command = [sys.executable, "-m", "labapp.start"]
    done = subprocess.run(
        command, cwd=lab_process.ROOT, env=lab_process.environment_of(home, lab_process.free_port()),
        capture_output=True, text=True, check=False, timeout=90,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20)),
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "the disk is full: free some space, or set MERIT_HOME to a directory on another disk" in done.stderr


def test_a_disk_without_room_is_noticed_before_anything_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 10 * 2**20
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**40, 2**40 - free, free))
    monkeypatch.setenv("MERIT_HOME", str(home))
    with pytest.raises(Trouble, match="10 MB free, 300 MB needed"):
        preflight.ready_home()


def test_a_start_that_was_killed_while_the_database_was_made_leaves_no_trace_behind(tmp_path: Path) -> None:
    """initdb writes its number as a negative one; nothing runs then, and the file must not stop the next start."""
    left = tmp_path / "postgres" / "postmaster.pid"
    left.parent.mkdir()
    left.write_text("-4711\n")
    embedded.stop_postgres(tmp_path)
    assert not left.exists()


def test_given_servers_are_used_and_none_is_started(home: Path, servers: Servers) -> None:
    import psycopg

    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("create database given")
    given = {
        "DATABASE_URL": servers.database_url.replace("/merit?", "/given?"),
        "REDIS_URL": servers.redis_url.replace("db=0", "db=5"),
    }
    lab = lab_process.start(home, more=given)
    assert httpx.get(lab.link(), follow_redirects=True).status_code == 200
    assert not (home / "postgres").exists()
    assert not (home / "redis").exists()
    assert lab.stop() == 0
    assert embedded.postgres_answers(servers.home)  # what was given is left running
    assert embedded.redis_answers(servers.home)


def test_a_given_server_that_does_not_answer(home: Path) -> None:
    nowhere = f"postgresql://merit@127.0.0.1:{lab_process.free_port()}/merit"
    assert "the PostgreSQL of DATABASE_URL does not answer" in refusal(home, DATABASE_URL=nowhere)
    assert "the Redis of REDIS_URL does not answer" in refusal(
        home, REDIS_URL=f"redis://127.0.0.1:{lab_process.free_port()}/0"
    )
