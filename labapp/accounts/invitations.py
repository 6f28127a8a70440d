"""Joining a team by a link: making it, carrying it through sign-in or sign-up, and using it once."""

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from labapp.accounts.models import Invitation, Membership, Team, User
from labapp.accounts.tokens import fresh, hashed

KEPT = "invitation"  # session key: the hash of the invitation by which this browser came


def invite(team: Team, role: str, by: User, email: str = "") -> tuple[Invitation, str]:
    """A new invitation and the secret of its link, which is not kept."""
    secret = fresh()
    row = Invitation.objects.create(team=team, role=role, email=email.lower(), token_hash=hashed(secret), made_by=by)
    return row, secret


def living(token_hash: str) -> Invitation | None:
    """The invitation with this hash if it is unused and not expired."""
    rows = Invitation.objects.filter(token_hash=token_hash, used__isnull=True, expires__gt=timezone.now())
    return rows.select_related("team").first()


def keep(request: HttpRequest, secret: str) -> Invitation | None:
    """Remember in this browser that it came by an invitation; None when the link no longer counts."""
    found = living(hashed(secret))
    if found is not None:
        request.session[KEPT] = found.token_hash
    return found


def pending(request: HttpRequest) -> Invitation | None:
    """The invitation by which this browser came, if it still counts."""
    kept = request.session.get(KEPT)
    return None if kept is None else living(kept)


def accept(request: HttpRequest, user: User) -> Team | None:
    """Let `user` join by the browser's invitation, once; a role already held stays. None when there is none."""
    kept = request.session.pop(KEPT, None)
    if kept is None:
        return None
    with transaction.atomic():
        row = Invitation.objects.select_for_update().filter(token_hash=kept, used__isnull=True).first()
        if row is None or row.expires <= timezone.now() or (row.email and row.email != user.email.lower()):
            return None
        Invitation.objects.filter(pk=row.pk).update(used=timezone.now())
        Membership.objects.get_or_create(user=user, team=row.team, defaults={"role": row.role})
    request.session["team"] = row.team_id
    return row.team
