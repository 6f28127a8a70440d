"""The first page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from labapp.accounts import access


def home(request: HttpRequest) -> HttpResponse:
    """Recent runs, queue and workers, and the way into the guided run."""
    return render(request, "home.html", {"team": access.current_team(request)})
