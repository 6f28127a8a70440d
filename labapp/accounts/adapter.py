"""Who may make an account: those with an invitation, or everyone when the operator says so."""

from typing import cast

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from labapp.accounts.invitations import pending


class InvitedOnly(DefaultAccountAdapter):
    """Closes the sign-up page except for someone who came by an invitation link."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Open with SIGN_UP_OPEN=1, or while an invitation that still counts is kept in the session."""
        return bool(settings.SIGN_UP_OPEN) or pending(request) is not None

    def clean_email(self, email: str) -> str:
        """Refuse another address than the invited one, before an account is made that could not join."""
        cleaned = cast("str", super().clean_email(email))
        invitation = None if self.request is None else pending(self.request)
        if invitation is not None and invitation.email and invitation.email != cleaned.lower():
            raise ValidationError(f"This invitation is for {invitation.email}.")
        return cleaned
