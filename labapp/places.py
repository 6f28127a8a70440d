"""Where the lab's own PostgreSQL and Redis keep data and sockets, and who owns that; known from MERIT_HOME alone."""

import hashlib
import os
import subprocess
import tempfile
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


def own_directory(path: Path, shared: bool = False) -> None:
    """Make `path`, for the server's user when we are root; others may pass through its parents, not read them."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o711 if shared and os.geteuid() == 0 else 0o700)
        if os.geteuid() == 0:
            os.chown(path, *server_ids())
            let_pass(path)
    except OSError as error:
        raise Trouble(with_mend(f"cannot make {path}: {error.strerror or error}")) from error


def let_pass(path: Path) -> None:
    """Let the server's user pass through the parents of `path`, without reading them."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


def server_ids() -> tuple[int, int]:
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


def with_mend(sentence: str, text: str = "") -> str:
    """The sentence with what to do, by what the system said."""
    said = f"{sentence} {text}".lower()
    if "no space left" in said or "file too large" in said or "quota exceeded" in said or "file size limit" in said:
        return "the disk is full: free some space, or set MERIT_HOME to a directory on another disk"
    if "permission denied" in said or "read-only file system" in said:
        return f"{sentence}: set MERIT_HOME to a directory you may write to"
    return sentence


def last_line(text: str) -> str:
    """The line of a log that says most: the last error, or the last line of all; empty for an empty log."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (telling or lines or [""])[-1]


def log_since(path: Path, start: int) -> str:
    """What was written to the log after byte `start`."""
    try:
        return path.read_bytes()[start:].decode(errors="replace")[-4000:]
    except OSError:
        return ""
