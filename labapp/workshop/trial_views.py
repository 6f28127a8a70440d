"""What the editor asks for while someone writes: marks in the text, words to complete, and texts to start from."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from labapp.accounts.access import requires, team_of
from labapp.workshop import completing, starts
from workers.contract import rewardcode


@require_POST
@requires("change")
def check(request: HttpRequest) -> HttpResponse:
    """What keeps the text from being used, as marks {line, column, message}; it is read, never run."""
    source = request.POST.get("source", "").replace("\r\n", "\n")
    return JsonResponse({"marks": [asdict(mark) for mark in rewardcode.check(source)]})


@require_safe
@requires("see")
def words(request: HttpRequest) -> HttpResponse:
    """What the editor completes, as `words` {label, detail, kind}, and `starts` {name, about, source}."""
    found = {"words": completing.words(team_of(request)), "starts": [asdict(one) for one in starts.STARTS]}
    return JsonResponse(found)
