"""The lab's secret key: made once, kept in MERIT_HOME, readable by its owner only."""

import os
import secrets
from pathlib import Path


def secret_key(home: Path) -> str:
    """The key in `home`/secret, made there when absent; safe when several processes start at once."""
    path = home / "secret"
    if path.exists() and path.stat().st_size > 0:
        return path.read_text()
    home.mkdir(parents=True, exist_ok=True)
    fresh = home / f"secret.{os.getpid()}.{secrets.token_hex(4)}"
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_urlsafe(48))
    if path.exists() and path.stat().st_size == 0:
        path.unlink()  # left by a disk that was full
    try:
        path.hardlink_to(fresh)  # fails when another process was first: its key then counts
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text()
