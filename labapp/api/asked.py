"""What several addresses of the API read from a request: which page of a list, which run."""

from uuid import UUID

from django.http import HttpRequest
from ninja import P, QueryEx

from labapp.accounts.access import require, scoped_get
from labapp.runs.models import Run

PAGE = 200
NO_NULL = r"^[^\x00]*$"  # no text of the database has a null character
Word = QueryEx[str, P(pattern=NO_NULL)]
Limit = QueryEx[int, P(ge=1, le=PAGE, description="rows on this page")]
Offset = QueryEx[int, P(ge=0, description="rows before this page")]


def run_of(request: HttpRequest, run_id: UUID) -> Run:
    """The run of that number, 404 where the caller's team has none; seeing rights are required."""
    require(request, "see")
    return scoped_get(Run.objects.select_related("experiment", "owner"), request, id=run_id)
