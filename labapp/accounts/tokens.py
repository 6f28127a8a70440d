"""Secrets that are shown once and kept as a hash: sign-in links, invitations, API tokens."""

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from labapp.accounts.models import ApiToken, Membership, SignInLink, Team, User

LINK_LIVES = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)  # how exactly `last_used` is kept, so that a busy program does not write each time


def fresh() -> str:
    """A new secret of 256 random bits, fit for an address."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """What is stored: a random secret needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def sign_in_secret(user: User, lives: timedelta = LINK_LIVES) -> str:
    """A secret that signs `user` in once within `lives`."""
    secret = fresh()
    SignInLink.objects.filter(user=user, expires__lt=timezone.now()).delete()
    SignInLink.objects.create(user=user, token_hash=hashed(secret), expires=timezone.now() + lives)
    return secret


def take_sign_in(secret: str) -> User | None:
    """The user of an unused, unexpired secret, which is spent by this call; else None."""
    now = timezone.now()
    link = SignInLink.objects.filter(token_hash=hashed(secret)).select_related("user").first()
    if link is None or not link.user.is_active:
        return None
    # Compare and set: of two browsers that open the link at once, one gets in.
    spent = SignInLink.objects.filter(pk=link.pk, used__isnull=True, expires__gt=now).update(used=now)
    return link.user if spent else None


def api_secret(user: User, team: Team, name: str) -> tuple[ApiToken, str]:
    """A new API token and its secret, which is not kept."""
    secret = f"merit_{fresh()}"
    return ApiToken.objects.create(user=user, team=team, name=name, prefix=secret[:12], hash=hashed(secret)), secret


def membership_of_token(secret: str) -> Membership | None:
    """The membership as which the bearer of an API token acts; None when unknown, revoked or out of the team."""
    token = ApiToken.objects.filter(hash=hashed(secret), user__is_active=True).first()
    if token is None:
        return None
    now = timezone.now()
    if token.last_used is None or now - token.last_used > SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used=now)
    return (
        Membership.objects.filter(user_id=token.user_id, team_id=token.team_id).select_related("user", "team").first()
    )
