"""A person's own pages: profile, and API tokens, which are shown once."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from labapp.accounts import access
from labapp.accounts.forms import ProfileForm, TokenForm
from labapp.accounts.models import ApiToken
from labapp.accounts.tokens import api_secret


@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """My tokens in the current team, and a form for a new one."""
    here, me = access.team_of(request), access.person(request)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _, secret = api_secret(me, here, form.cleaned_data["name"])
        request.session["fresh_token"] = secret
        return redirect("tokens")
    mine = ApiToken.objects.filter(user=me, team=here)
    context = {"tokens": mine, "form": form, "fresh": request.session.pop("fresh_token", None)}
    return render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Make one of my tokens worthless at once."""
    token = get_object_or_404(ApiToken, pk=pk, user=access.person(request))
    token.delete()
    messages.success(request, f"The token {token.name} no longer works.")
    return redirect("tokens")


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """My name, and the way to e-mail and password."""
    me = access.person(request)
    form = ProfileForm(request.POST or None, instance=me)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("profile")
    return render(request, "accounts/profile.html", {"form": form, "has_password": me.has_usable_password()})
