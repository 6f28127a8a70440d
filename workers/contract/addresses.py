"""Where a worker may send what it has: addresses of servers, and the variables whose keys it may show them."""

from urllib.parse import urlsplit

# Whoever writes a spec also names the server: with any variable allowed, a secret of the worker could be sent there.
KEY_PREFIX = "MERIT_KEY_"


def is_address(url: str) -> bool:
    """Whether it is an http or https address without name, password, query or fragment (what is secret belongs into a
    variable of the worker, not into a document)."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    return known and plain and not (parts.username or parts.password or parts.query or parts.fragment)


def is_key(name: str) -> bool:
    """Whether a variable of the worker's environment with this name may be sent to a server."""
    return name.startswith(KEY_PREFIX) and name.isidentifier() and name.isascii()
