"""The library over REST: what the files of the methods say."""

from dataclasses import asdict
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router

from labapp import shelf
from labapp.accounts.access import require
from labapp.api.asked import Word
from labapp.api.library_schemas import MethodOut, Methods
from labapp.workshop.wording import limit_words
from workers.contract.method import Method, MethodError

router = Router(tags=["library"])


@router.get("", response=Methods)
def list_methods(request: HttpRequest, kind: Word = "") -> dict[str, Any]:
    """All methods, or those of one kind."""
    require(request, "see")
    catalogue = shelf.catalogue()
    found = [method for method in catalogue.methods.values() if kind in ("", method.kind)]
    return {"digest": catalogue.digest, "methods": [_row(method) for method in found]}


@router.get("/{kind}/{name}", response=MethodOut)
def get_method(request: HttpRequest, kind: str, name: str) -> dict[str, Any]:
    """One method with everything that its file says."""
    require(request, "see")
    try:
        method = shelf.catalogue().get(kind, name)
    except MethodError as error:
        raise Http404(str(error)) from None
    card = method.card
    params = [
        {"name": one.name, "words": one.words, "limit": limit_words(one.limit), "default": one.default}
        for one in method.params
    ]
    return _row(method) | {
        "formula": card.formula,
        "symbols": dict(card.symbols),
        "params": params,
        "needs": list(method.needs),
        "relatives": list(card.relatives),
        "source": asdict(card.source),
        "doubts": card.doubts,
        "code": method.source,
    }


def _row(method: Method) -> dict[str, Any]:
    named = {field: getattr(method, field) for field in ("address", "kind", "name", "purpose", "digest")}
    return named | {"title": method.card.title}
