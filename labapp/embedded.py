"""Real PostgreSQL and Redis from wheels, for a lab on one machine without servers of its own.

Data lie under MERIT_HOME; both servers listen on Unix sockets only, whose place follows from MERIT_HOME alone. Starting
twice is harmless, and a start after `kill -9` finds its way: stale pid files are told from living servers.
"""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

from labapp.places import Place, Trouble, last_line, log_since, own_directory, place, redis_url, with_mend
from labapp.programs import postgres_programs, redis_program, run_postgres


def start_postgres(home: Path, durable: bool = True) -> bool:
    """Make PostgreSQL of `home` run and hold a database `merit`; True when it was not running before.

    `durable=False` skips flushing to disk, for tests. Raises Trouble with what to do.
    """
    spot = place(home)
    own_directory(spot.sockets, shared=True)
    own_directory(spot.postgres)
    if not (spot.postgres / "PG_VERSION").exists():
        made = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        run_postgres("initdb", *made, "-D", str(spot.postgres))
    if _postgres_runs(spot):
        return False
    log = spot.postgres / "server.log"
    options = f"-h '' -k '{spot.sockets}' -c max_connections=200"
    if sys.platform == "linux":
        options += " -c recovery_init_sync_method=syncfs"  # one call instead of a thousand files, after a kill -9
    if not durable:
        options += " -c fsync=off"
    deadline = time.monotonic() + 20
    while True:
        before = log.stat().st_size if log.exists() else 0
        try:
            run_postgres("pg_ctl", "-w", "-t", "60", "-D", str(spot.postgres), "-l", str(log), "-o", options, "start")
            break
        except Trouble as trouble:
            said = log_since(log, before)
            # After kill -9 the dying server and its children hold lock and shared memory for a moment longer.
            if ("lock file" not in said and "shared memory" not in said) or time.monotonic() > deadline:
                raise Trouble(with_mend(f"PostgreSQL does not start: {last_line(said) or trouble}", said)) from trouble
            time.sleep(0.2)
    _ensure_database(spot)
    return True


def start_redis(home: Path) -> bool:
    """Make Redis of `home` run; True when it was not running before. Raises Trouble with what to do."""
    spot = place(home)
    own_directory(spot.sockets, shared=True)
    own_directory(spot.redis)
    if redis_answers(home):
        return False
    command = [
        redis_program(), "--port", "0", "--unixsocket", str(spot.redis_socket), "--unixsocketperm", "700",
        "--dir", str(spot.redis), "--pidfile", str(spot.redis / "pid"), "--logfile", str(spot.redis / "server.log"),
        "--appendonly", "yes", "--save", "", "--daemonize", "yes",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Trouble(with_mend(f"Redis does not start: {last_line(done.stdout + done.stderr)}"))
    deadline = time.monotonic() + 20
    while not redis_answers(home):
        if time.monotonic() > deadline:
            raise Trouble(with_mend(f"Redis does not answer: {last_line(log_since(spot.redis / 'server.log', 0))}"))
        time.sleep(0.02)
    return True


def stop_postgres(home: Path) -> None:
    """Stop PostgreSQL of `home`, if it runs; open sessions are ended, nothing committed is lost."""
    spot = place(home)
    if _postgres_runs(spot):
        run_postgres("pg_ctl", "-w", "-t", "30", "-m", "fast", "-D", str(spot.postgres), "stop")


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
    program = [str(postgres_programs() / "pg_isready"), "-q", "-U", "postgres", "-h", str(place(home).sockets)]
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
    # While initdb makes the directory, the number in the file is negative; a start that was killed then leaves it.
    if pid > 0 and _is_postgres_of(pid, spot):
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
