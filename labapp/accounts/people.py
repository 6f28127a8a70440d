"""The team page: who is in it, in which role, and the links by which others come."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from labapp.accounts import access
from labapp.accounts.forms import InviteForm, RoleForm, TeamForm
from labapp.accounts.invitations import invite
from labapp.accounts.models import Invitation, Membership, Role, Team


def team(request: HttpRequest) -> HttpResponse:
    """Members and, for owners, open invitations; anyone in the team may look."""
    return _page(request, access.team_of(request))


def _page(request: HttpRequest, here: Team, form: InviteForm | None = None, status: int = 200) -> HttpResponse:
    members = here.memberships.select_related("user").order_by("joined", "id")
    mine = Membership.objects.filter(user=access.person(request)).select_related("team")
    open_ones = here.invitations.filter(used__isnull=True, expires__gt=timezone.now()).select_related("made_by")
    context = {
        "here": here,
        "members": members,
        "roles": Role.choices,
        "mine": mine,
        "form": form or InviteForm(),
        "invitations": open_ones if access.may_here(request, "manage") else [],
        "fresh_link": request.session.pop("fresh_invitation", None),
    }
    return render(request, "accounts/team.html", context, status=status)


@require_POST
@access.requires("manage")
def make_invitation(request: HttpRequest) -> HttpResponse:
    """Make an invitation; its link is shown once, on the page that follows."""
    here = access.team_of(request)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, here, form, status=422)
    _, secret = invite(here, form.cleaned_data["role"], access.person(request), form.cleaned_data["email"])
    request.session["fresh_invitation"] = request.build_absolute_uri(reverse("join", args=[secret]))
    return redirect("team")


@require_POST
@access.requires("manage")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an open invitation worthless."""
    access.scoped_get(Invitation.objects, request, pk=pk).delete()
    messages.success(request, "The invitation was withdrawn; its link no longer works.")
    return redirect("team")


@require_POST
@access.requires("manage")
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a member another role; a team keeps at least one owner."""
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return redirect("team")
    with transaction.atomic():
        member = _locked(access.team_of(request), pk)
        if form.cleaned_data["role"] != Role.OWNER and _is_last_owner(member):
            messages.error(request, f"{member.user} is the only owner. Make someone else an owner first.")
            return redirect("team")
        member.role = form.cleaned_data["role"]
        member.save(update_fields=["role"])
    messages.success(request, f"{member.user} is now {member.role}.")
    return redirect("team")


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a member out of the team: owners anyone, others themselves; a team keeps at least one owner."""
    here = access.team_of(request)
    with transaction.atomic():
        member = _locked(here, pk)
        if member.user_id != request.user.pk:
            access.require(request, "manage")
        if _is_last_owner(member):
            messages.error(request, f"{member.user} is the only owner. Make someone else an owner first.")
            return redirect("team")
        member.user.api_tokens.filter(team=here).delete()
        member.delete()
    messages.success(request, f"{member.user} is no longer in {here}. What they made stays.")
    return redirect("home" if member.user_id == request.user.pk else "team")


@require_POST
@access.requires("manage")
def rename(request: HttpRequest) -> HttpResponse:
    """Give the team another name."""
    form = TeamForm(request.POST, instance=access.team_of(request))
    if form.is_valid():
        form.save()
        messages.success(request, "Saved.")
    else:
        messages.error(request, "A team needs a name of at most 80 characters.")
    return redirect("team")


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Work in another of one's teams from now on."""
    key = request.POST.get("team", "")
    access.choose_team(request, get_object_or_404(Team, pk=int(key) if key.isdecimal() else 0))
    return redirect("home")


def _locked(here: Team, pk: int) -> Membership:
    """The membership with all of its team's rows locked, so that two owners cannot remove each other at once."""
    list(Membership.objects.select_for_update().filter(team=here))
    return get_object_or_404(Membership.objects.select_related("user"), team=here, pk=pk)


def _is_last_owner(member: Membership) -> bool:
    others = Membership.objects.filter(team_id=member.team_id, role=Role.OWNER).exclude(pk=member.pk)
    return member.role == Role.OWNER and not others.exists()
