"""A method's exhibit: started with one click, and what its runs say, while they run and after."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labapp import shelf
from labapp.accounts.access import requires, team_of
from labapp.accounts.models import User
from labapp.runs import exhibits
from workers.contract.exhibits import ARMS, SEEDS
from workers.contract.method import Method, MethodError

VERDICTS = {
    True: ("done", "The effect appears: the whole interval of the difference lies on the better side."),
    False: ("failed", "The effect is the other way round: the whole interval lies on the worse side."),
    None: ("warn", "These seeds do not tell: the interval of the difference holds 0."),
}


def _exhibited(kind: str, name: str) -> Method:
    try:
        method = shelf.catalogue().get(kind, name)
    except MethodError as error:
        raise Http404(f"The library has nothing at {kind}/{name}: {error}.") from None
    if method.card.exhibit is None:
        raise Http404(f"{method.address} has no exhibit.")
    return method


@require_http_methods(["GET"])
def exhibit(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """The page; HTMX gets the part that changes while runs go on."""
    method = _exhibited(kind, name)
    reading = exhibits.read(team_of(request), method)
    rows = [{"seed": seed, "runs": [(arm, reading.runs.get((arm, seed))) for arm in ARMS]} for seed in SEEDS]
    context = {
        "method": method, "reading": reading, "rows": rows, "arms": ARMS, "seeds": len(SEEDS),
        "verdicts": [(one, *VERDICTS[one.appears]) for one in reading.verdicts],
        "differs": shelf.worker_differs(),
        "total": len(SEEDS) * len(ARMS),
    }  # fmt: skip
    # The button lies outside the part that is exchanged: it goes along, so that it wakes up when all runs are done.
    swaps = "HX-Request" in request.headers
    template = "library/exhibit_body.html" if swaps else "library/exhibit.html"
    return render(request, template, context | {"swaps": swaps})


@require_http_methods(["POST"])
@requires("change")
def start(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """Make and queue all its runs; 422 with the reasons when they cannot be made. While some go on no more are made."""
    method, team, catalogue = _exhibited(kind, name), team_of(request), shelf.catalogue()
    if exhibits.read(team, method).is_live:
        return redirect(reverse("library:exhibit", args=[kind, name]))
    if shelf.worker_differs() is not None:
        return render(request, "library/exhibit_refused.html", {"method": method, "differs": True}, status=422)
    for specs in exhibits.specs(method, catalogue).values():
        wrong = exhibits.troubles(specs[0], catalogue, team)
        if wrong:
            context = {"method": method, "wrong": wrong}
            return render(request, "library/exhibit_refused.html", context, status=422)
    assert isinstance(request.user, User)
    exhibits.start(team, request.user, method, catalogue)
    return redirect(reverse("library:exhibit", args=[kind, name]))
