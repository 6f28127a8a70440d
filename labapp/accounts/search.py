"""The search box of the top bar: the team's runs, rewards, algorithms and data by name, and methods by their words."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from labapp import shelf
from labapp.accounts import access
from labapp.runs.models import Run
from labapp.workshop.models import Algorithm, DataSet, Reward

MOST = 20  # hits shown of each kind
LONGEST = 120  # characters of a question; no name is longer


@dataclass(frozen=True)
class Hit:
    """One line of the answer."""

    kind: str
    name: str
    says: str
    address: str


def words_of(request: HttpRequest) -> str:
    """What `?q=` asks for by name; null characters, which no database text has, are left out."""
    return request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]


def search(request: HttpRequest) -> HttpResponse:
    """Everything whose name holds the words; the question stands in the address."""
    words = words_of(request)
    hits = _find(request, words) if words else []
    return render(request, "accounts/search.html", {"words": words, "hits": hits})


def _find(request: HttpRequest, words: str) -> list[Hit]:
    runs = access.scoped(Run.objects, request).filter(deleted__isnull=True, name__icontains=words).order_by("-created")
    rewards = access.scoped(Reward.objects, request).filter(name__icontains=words)
    data = access.scoped(DataSet.objects, request).filter(name__icontains=words)
    recipes = access.scoped(Algorithm.objects, request).filter(name__icontains=words)
    return [
        *[Hit("run", run.name, run.state, f"/runs/{run.pk}/") for run in runs[:MOST]],
        *[Hit("reward", one.name, "", f"/workshop/rewards/{one.pk}/") for one in rewards[:MOST]],
        *[Hit("algorithm", one.name, "", f"/workshop/algorithms/{one.pk}/") for one in recipes[:MOST]],
        *[Hit("data", one.name, "", f"/data/{one.pk}/") for one in data[:MOST]],
        *_methods(words),
    ]


def _methods(words: str) -> list[Hit]:
    wanted = words.lower()
    methods = shelf.catalogue().methods.values()
    found = [one for one in methods if wanted in f"{one.address} {one.card.title} {one.doc}".lower()]
    return [
        Hit(one.kind, one.card.title, one.doc.partition("\n")[0], f"/library/{one.address}/") for one in found[:MOST]
    ]
