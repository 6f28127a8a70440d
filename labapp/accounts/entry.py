"""Coming in: the one-time link of the local owner, and invitations."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from labapp.accounts import invitations
from labapp.accounts.models import User
from labapp.accounts.tokens import take_sign_in

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@login_not_required
@never_cache
@require_GET
def local(request: HttpRequest, secret: str) -> HttpResponse:
    """Sign in by a one-time link; a spent or expired one says how to get the next."""
    user = take_sign_in(secret)
    if user is None:
        if request.user.is_authenticated:
            return redirect("home")
        return render(request, "accounts/link_spent.html", status=410)
    login(request, user, backend=BACKEND)
    return redirect("home")


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Show an invitation and let the person accept it, after signing in or making an account."""
    invitation = invitations.keep(request, secret)
    if invitation is None:
        return render(request, "accounts/invitation_over.html", status=410)
    if not isinstance(request.user, User):
        return render(request, "accounts/join.html", {"invitation": invitation})
    if request.method == "GET":
        return render(request, "accounts/join.html", {"invitation": invitation})
    team = invitations.accept(request, request.user)
    if team is None:
        messages.error(request, f"This invitation is for {invitation.email}. Sign in with that address to accept it.")
    else:
        messages.success(request, f"You are now in {team}.")
    return redirect("home")
