"""What the editor asks for while someone writes: marks in the text."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from labapp.accounts.access import requires
from workers.contract import rewardcode


@require_POST
@requires("change")
def check(request: HttpRequest) -> HttpResponse:
    """What keeps the text from being used, as marks {line, column, message}; it is read, never run."""
    source = request.POST.get("source", "").replace("\r\n", "\n")
    return JsonResponse({"marks": [asdict(mark) for mark in rewardcode.check(source)]})
