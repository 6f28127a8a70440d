"""The library: every method as a card, and its page, both made from the method's file alone."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from labapp import shelf
from labapp.accounts.search import words_of
from labapp.workshop import probes
from labapp.workshop.forms import method_form
from labapp.workshop.mathml import mathml
from labapp.workshop.wording import default_words, limit_words, quoted
from workers.contract.card import Source
from workers.contract.kinds import KINDS
from workers.contract.method import Method, MethodError

HEADINGS = (
    "Purpose", "Formula", "Symbols", "Parameters", "Needs", "Figure", "Relatives", "Source", "Doubts", "Departures",
    "Checks", "Code",
)  # fmt: skip


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All methods as cards; `?kind=` and `?q=` narrow them down. HTMX gets the cards only."""
    everything = list(shelf.catalogue().methods.values())
    query, kind = words_of(request), request.GET.get("kind", "")
    found = [method for method in everything if matches(method, query)]
    context = {
        "query": query,
        "kind": kind if kind in KINDS else "",
        "kinds": [(one, sum(method.kind == one.name for method in found)) for one in KINDS.values()],
        "count": len(found),
        "total": len(everything),
        "shelves": [
            (one, [_card(method) for method in sorted(found, key=lambda m: m.card.title) if method.kind == one.name])
            for one in KINDS.values()
            if kind not in KINDS or kind == one.name
        ],
    }
    template = "library/cards.html" if "HX-Request" in request.headers else "library/index.html"
    return render(request, template, context)


def matches(method: Method, query: str) -> bool:
    """Whether every word of `query` stands in the method's title, name, kind, description or source."""
    source = method.card.source
    text = " ".join(
        (method.card.title, method.address, KINDS[method.kind].title, method.doc, source.authors, source.where)
    )
    return all(word in text.lower() for word in query.lower().split())


def _card(method: Method) -> dict[str, Any]:
    return {"method": method, "math": mathml(method.card.formula), "purpose": quoted(method.purpose)}


def _method(kind: str, name: str) -> Method:
    try:
        return shelf.catalogue().get(kind, name)
    except MethodError as error:
        raise Http404(f"The library has nothing at {kind}/{name}: {error}.") from None


@require_safe
def method(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """The page of one method, its headings in one fixed order; what a file does not say is said to be missing."""
    one = _method(kind, name)
    context = {
        "method": one,
        "kind": KINDS[kind],
        "headings": HEADINGS,
        "paragraphs": [quoted(" ".join(part.split())) for part in one.doc.strip().split("\n\n")],
        "formula": mathml(one.card.formula),
        "symbols": [(mathml(symbol, inline=True), words) for symbol, words in one.card.symbols.items()],
        "params": [(p, limit_words(p.limit), default_words(p.default)) for p in one.params],
        "needs": needs(one),
        "form": method_form(one, "params", _params_texts(request)),
        "relatives": [(other, quoted(other.purpose)) for other in shelf.relatives(one)],
        "link": source_link(one.card.source),
        "checks": shelf.checks(one),
        "code": highlighted(one.source),
        "source_path": f"workers/{one.kind}/{one.path.name}",
    }
    return render(request, "library/method.html", context)


GIVEN = {
    "rng": "a seeded source of randomness; the same seed poses the same problems",
    "answers": "the completions as text, with their prompts, lengths, ends, columns and verdicts",
    "parts": "what each of the combined rewards says of the completions: values, and where in them they arise",
    "rollouts": "the sampled tokens with their mask, groups, and log-probabilities when they were sampled",
    "reward_NT": "the weighted sum of the rewards, on the last chosen token of each completion",
    "now": "what the present policy says of the sampled tokens, with gradients",
    "was": "what the policy that sampled them said of them",
    "advantage_NT": "the advantage of each token, from the credit method",
    "mask_NT": "which tokens the policy chose: not padding, not a tool's output",
    "value_NK": "each reward of each completion, before anybody compares them",
    "valid_NK": "where a reward applies",
    "most_tokens": "the most tokens that a completion may have",
    "prompts": "the step's prompts before anything is sampled, with what they earned before",
    "candidates": "the completions that may be learned from, with their rewards",
    "credited": "the completions with their advantages",
    "weight_K": "the weights of the rewards as they were set",
    "reward_NK": "each reward by itself, NaN where it does not apply",
    "pairs": "pairs of completions of one prompt, the chosen one and the rejected one",
    "labelled": "completions, each by itself good or not",
}


def needs(method: Method) -> list[tuple[str, str, bool]]:
    """What the method asks for: name, words, and whether it is made only because a method names it."""
    asked = dict(KINDS[method.kind].asked)
    return [(name, asked.get(name) or GIVEN[name], name in asked) for name in method.needs]


def source_link(source: Source) -> str:
    """The address of the publication: as given, or from its arXiv number or DOI; empty when there is none."""
    if source.url:
        return source.url
    if source.where.startswith("arXiv:"):
        return f"https://arxiv.org/abs/{source.where.removeprefix('arXiv:').split()[0].strip(',;')}"
    if source.where.lower().startswith("doi:"):
        return f"https://doi.org/{source.where[4:].strip()}"
    return ""


def highlighted(source: str) -> SafeString:
    """Python text as HTML with classes for its parts (pygments escapes it); colours stand in library.css."""
    formatter: HtmlFormatter[str] = HtmlFormatter(cssclass="code", linenos=False)
    return mark_safe(str(highlight(source, PythonLexer(), formatter)))


def _params_texts(request: HttpRequest) -> dict[str, str] | None:
    """The parameters in the address, if it has any: a link shows a colleague the same figure."""
    texts = {name: str(text) for name, text in request.GET.items() if name.startswith("params.")}
    return {**texts, "params.given": "1"} if texts or "params.given" in request.GET else None


@require_safe
def probe(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """The figure of one method with the parameters in the address; a waiting one asks again by itself."""
    one = _method(kind, name)
    texts = _params_texts(request)
    form = method_form(one, "params", texts)
    values, wrong = (one.defaults(), {}) if texts is None else form.values()
    context: dict[str, Any] = {"method": one, "wrong": wrong, "query": request.GET.urlencode()}
    if not wrong:
        context["probe"] = probes.ask(one, values, again="again" in request.GET)
    return render(request, "library/probe.html", context)
