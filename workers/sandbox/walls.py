"""Raises the walls around the child that calls this, before any of the user's code is loaded. Runs in the child.

Two walls stand behind each other wherever possible: a process cannot be made because seccomp refuses it, and because
RLIMIT_NPROC is nought; a file cannot be written because Landlock refuses it, and because RLIMIT_FSIZE is nought.
"""

import ctypes
import os
import resource
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.sandbox import landlock, seccomp

SYSTEM_LIBRARIES = ("/lib64", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
BOUNDS = ("memory.max", "memory.limit_in_bytes", "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us")
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
SIGKILL = 9
Wall = tuple[str, Callable[[], None]]
OWN_USERS, FIRST_OWN_USER = 4000, 60_001  # user ids that no person has, and that containers map


class WallMissing(Exception):
    """A wall that cannot be raised here, and why."""


@dataclass
class Ground:
    """The directories that the child may read: what Python imports from, and its own empty one.

    They are held open and reached through `/proc/self/fd`, because the walk from `/` to them may lead through
    directories that the child's new user cannot enter (an interpreter or a checkout below `/root`).
    """

    links: Path  # an empty directory of the child's own: names of the allowed libraries are linked here
    directories: Sequence[str]  # of the allowed libraries
    readable: list[str] = field(default_factory=list)
    listable: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        """Point `sys.path` at the standard library and the allowed libraries, and at nothing else."""
        standard = [path for path in sys.path if Path(path).is_dir()]
        for path in standard:
            self.listable.append(path)
            names = [name for name in os.listdir(path) if name not in ("site-packages", "dist-packages")]  # noqa: PTH208
            self.readable += [f"{path}/{name}" for name in names]
        self.readable += [str(path) for path in (Path(sys.base_prefix) / "lib").glob("lib*.so*")]
        parents: dict[str, str] = {}
        for directory in self.directories:
            parent, name = os.path.split(directory)
            if parent not in parents:
                parents[parent] = _held(parent)
            (self.links / name).symlink_to(f"{parents[parent]}/{name}")
        self.readable += self.directories
        self.listable += [str(self.links), str(Path.cwd())]
        held = {path: _held(path) for path in [*standard, str(self.links)]}
        for module in list(sys.modules.values()):  # packages that are loaded look for their other parts where they lie
            where = list(getattr(module, "__path__", []))
            for path in standard:
                where = [each.replace(path, held[path], 1) if each.startswith(path) else each for each in where]
            if where:
                module.__path__ = where
        sys.path[:] = held.values()
        sys.path_importer_cache.clear()


def _held(path: str) -> str:
    if sys.platform != "linux":
        return path
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    held = f"/proc/self/fd/{fd}"
    return held if Path(held).is_dir() else path  # a container without /proc


def raise_walls(
    ground: Ground, memory_bytes: int, cpu_seconds: int, open_files: int, unwalled: bool, duckdb: bool
) -> None:
    """All walls, outermost first; `duckdb`: with what that needs. WallMissing names the first that cannot be raised,
    unless `unwalled` allows that."""
    rules: list[landlock.Ruleset] = []
    ground.prepare()
    walls: list[Wall] = [
        (
            "Landlock",
            lambda: rules.append(_rules(ground, _own_bounds() if duckdb else [])),
        ),  # grants need open files, so before the user
        ("dropping root", _drop_root),
        ("no_new_privs and its kin", _be_alone),
        ("resource limits", lambda: _limit(memory_bytes, cpu_seconds, open_files)),
        ("Landlock", lambda: rules.pop().enforce()),
        ("seccomp", seccomp.install),  # last: it refuses what the others need
    ]
    _raise(walls, unwalled)


def raise_outer(ground: Ground, unwalled: bool, duckdb: bool) -> list[landlock.Ruleset]:
    """The walls inside which one may still make processes: no root, no files but those that every process made inside
    may read (and /proc where these are to find their bounds, for DuckDB). Gives the rules of these processes, for
    `raise_inner`."""
    rules: list[landlock.Ruleset] = []
    ground.prepare()
    walls: list[Wall] = [
        ("seccomp", _write_filter),
        ("Landlock", lambda: rules.append(_rules(ground, []))),
        ("Landlock", lambda: rules.append(_rules(ground, ["/proc", *_own_bounds()] if duckdb else []))),
        ("dropping root", _drop_root),
        ("no_new_privs and its kin", _be_alone),
        ("Landlock", lambda: rules.pop().enforce()),
    ]
    _raise(walls, unwalled)
    return rules


def raise_inner(
    rules: list[landlock.Ruleset], memory_bytes: int, cpu_seconds: int, open_files: int, unwalled: bool, duckdb: bool
) -> None:
    """All walls of a process that was made inside the outer ones."""
    walls: list[Wall] = [
        ("Landlock", lambda: _grant_bounds(rules[0]) if duckdb else None),
        ("no_new_privs and its kin", _be_alone),  # to die with its parent is not inherited
        ("resource limits", lambda: _limit(memory_bytes, cpu_seconds, open_files)),
        ("Landlock", lambda: rules[0].enforce()),
        ("seccomp", seccomp.install),
    ]
    _raise(walls, unwalled)


def _raise(walls: Sequence[Wall], unwalled: bool) -> None:
    for name, wall in walls:
        try:
            wall()
        except (OSError, ValueError, IndexError, AttributeError) as error:
            if not unwalled:
                raise WallMissing(f"{name}: {error}") from error


def _rules(ground: Ground, more: Sequence[str]) -> landlock.Ruleset:
    """Reading what Python needs, and `more`; writing nothing but the bin."""
    rules = landlock.Ruleset()
    shared = sysconfig.get_config_var("MULTIARCH")
    system = [*SYSTEM_LIBRARIES, f"/lib/{shared}", f"/usr/lib/{shared}"]
    for path in [*ground.readable, *system, *more]:
        rights = landlock.READ_FILE | (landlock.READ_DIR if Path(path).is_dir() else 0)
        rules.grant(path, rights)
    for path in ground.listable:
        rules.grant(path, landlock.READ_DIR)
    rules.grant("/dev/null", landlock.READ_FILE | landlock.WRITE_FILE)
    return rules


def _grant_bounds(rules: landlock.Ruleset) -> None:
    for path in _own_bounds():
        rules.grant(path, landlock.READ_FILE)


def _own_bounds() -> list[str]:
    """Files that say how much memory and time this process may have. DuckDB opens them at every connection, also where
    its memory and threads are set beforehand, and crashes where they exist and stay closed. So they are opened for it,
    and only where it is used: they tell nothing but this process's own group and bounds."""
    own = Path("/proc/self/cgroup")
    found = [str(own)]
    for line in own.read_text().splitlines() if own.is_file() else []:
        _, controllers, place = line.split(":", 2)
        if {"", "memory", "cpu"} & set(controllers.split(",")):
            found += [str(Path("/sys/fs/cgroup", controllers, place.lstrip("/"), name)) for name in BOUNDS]
    return found


def _write_filter() -> None:
    seccomp.prepare()  # once, and not in every process that is made


def _drop_root() -> None:
    """Root becomes a user of its own, so that what Landlock does not cover is covered by ownership; no way back."""
    if os.geteuid() != 0:
        return
    own = FIRST_OWN_USER + int.from_bytes(os.getrandom(4), "big") % OWN_USERS
    os.setgroups([])
    os.setresgid(own, own, own)
    os.setresuid(own, own, own)


def _be_alone() -> None:
    """No set-uid program gives rights back; nobody reads our memory or cores; when the lab's thread dies, we die."""
    for option, value in ((PR_SET_NO_NEW_PRIVS, 1), (PR_SET_DUMPABLE, 0), (PR_SET_PDEATHSIG, SIGKILL)):
        if landlock.LIBC.prctl(option, *[ctypes.c_ulong(each) for each in (value, 0, 0, 0)]) != 0:
            raise OSError(ctypes.get_errno(), f"prctl {option}")


def _limit(memory_bytes: int, cpu_seconds: int, open_files: int) -> None:
    """Hard limits; seccomp keeps them from being changed, and root's exemption went with root."""
    for which, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(which)[1]
        unlimited = hard == resource.RLIM_INFINITY
        soft = value if unlimited else min(value, hard)
        # At the soft limit of processor time comes a signal that says so, a second later a plain kill.
        spare = 1 if which == resource.RLIMIT_CPU and (unlimited or soft < hard) else 0
        resource.setrlimit(which, (soft, soft + spare))
