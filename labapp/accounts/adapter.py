"""Who may make an account: those with an invitation, or everyone when the operator says so."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from labapp.accounts.invitations import pending


class InvitedOnly(DefaultAccountAdapter):
    """Closes the sign-up page except for someone who came by an invitation link."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Open with SIGN_UP_OPEN=1, or while an invitation that still counts is kept in the session."""
        return bool(settings.SIGN_UP_OPEN) or pending(request) is not None
