"""What every page knows: where one is, in which team, with which rights."""

from typing import Any

from django.http import HttpRequest

from labapp.accounts import access

ROOMS = (
    ("Home", "/"),
    ("Library", "/library/"),
    ("Workshop", "/workshop/"),
    ("Data", "/data/"),
    ("Runs", "/runs/"),
    ("Compare", "/runs/compare/"),
)


def lab(request: HttpRequest) -> dict[str, Any]:
    """`lab.team`, `lab.role`, `lab.can_change`, `lab.can_manage` and the rooms, for the templates."""
    theme = request.COOKIES.get("theme", "")
    theme = theme if theme in {"light", "dark"} else ""
    if not hasattr(request, "user") or not request.user.is_authenticated:
        return {"lab": {"rooms": [], "theme": theme}}
    membership = access.current_membership(request)
    return {
        "lab": {
            "team": None if membership is None else membership.team,
            "role": "" if membership is None else membership.role,
            "can_change": access.may_here(request, "change"),
            "can_manage": access.may_here(request, "manage"),
            "theme": theme,
            "rooms": _rooms(request.path),
        }
    }


def _rooms(path: str) -> list[dict[str, Any]]:
    matching = [address for _, address in ROOMS if address != "/" and path.startswith(address)]
    here = max(matching, key=len, default="/" if path == "/" else "")
    return [{"name": name, "address": address, "here": address == here} for name, address in ROOMS]
