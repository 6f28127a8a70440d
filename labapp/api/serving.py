"""Any saved reward as a remote reward for other trainers, in the forms that users of OpenRLHF and TRL have.

`query` (prompt and completion together; `queries` in older clients), `prompts` and `labels` are OpenRLHF's; `prompts`,
`completions` and further columns are those of TRL's reward functions, conversations as lists of messages. A token may
stand in the address (`http://token:merit_…@host/…`), for clients that send no headers of their own.
"""

import re
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from labapp.accounts.access import require
from labapp.api.errors import Refusal
from labapp.workshop import serving
from labapp.workshop.conversations import is_conversation, talk
from labapp.workshop.models import RewardVersion
from labapp.workshop.references import read_reference

router = Router(tags=["rewards"])
MOST = 4096  # texts of one question
MOST_LETTERS = 8_000_000
# OpenRLHF sends what its tokenizer decodes with special tokens: a completion's end, and padding behind it.
ENDS = re.compile(r"(?:<[|｜][^<>|｜\s]{1,40}[|｜]>|</s>|<eos>|<pad>|<end_of_turn>)+\s*\Z")


def _prompt(value: object) -> object:
    return talk(value, "prompt") if is_conversation(value) else value


def _completion(value: object) -> object:
    if not isinstance(value, list) or not is_conversation(value):
        return value
    said = [message.get("content") for message in value]
    if not all(isinstance(text, str) for text in said):
        raise ValueError("a message has no content of text")
    return "\n\n".join(said)


class Question(BaseModel):
    """Texts to be scored: `query`, or `completions` (texts or lists of messages). Further fields are columns, one value
    a text. The end-of-text tokens of a query are no part of its completion."""

    model_config = ConfigDict(extra="allow")

    query: list[str] | None = Field(None, validation_alias=AliasChoices("query", "queries"))
    completions: list[Annotated[str, BeforeValidator(_completion)]] | None = None
    prompts: list[Annotated[str, BeforeValidator(_prompt)]] | None = None
    labels: list[Any] | None = None


class Answer(Schema):
    """One reward a text, null where the reward does not apply or failed (or the number given as `none`); `scores` are
    the same; `extra_logs` has the components; `faults` say by index what failed."""

    rewards: list[float | None]
    scores: list[float | None]
    extra_logs: dict[str, list[float | None]] = Field(default_factory=dict)
    faults: list[dict[str, Any]] = Field(default_factory=list)


@router.post("/{reference}/score", response=Answer)
def score_texts(request: HttpRequest, reference: str, body: Question, none: float | None = None) -> dict[str, Any]:
    """Score texts with a saved reward, such as `code:3@2`. `none` is a number to be given in the place of null, for
    clients that take numbers only."""
    version = _version(request, reference)
    texts = _texts(body)
    try:
        made = serving.score(version, texts)
    except serving.NotScored as error:
        mend = "Ask again a little later." if error.busy else "Try the reward on its page with the same texts."
        raise Refusal(503 if error.busy else 422, "reward", str(error), mend) from None

    def numbers(column: list[float | None]) -> list[float | None]:
        return [none if value is None else value for value in column]

    rewards = numbers(made.rewards)
    parts = {name: numbers(column) for name, column in made.parts.items()}
    return {"rewards": rewards, "scores": rewards, "extra_logs": parts, "faults": made.faults}


def _version(request: HttpRequest, reference: str) -> RewardVersion:
    """The team's saved version; a viewer may not have the workers score."""
    team = require(request, "change")
    found = read_reference(reference.partition(":")[2] or reference)
    rows = RewardVersion.objects.filter(reward__team=team).select_related("reward")
    version = None if found is None else rows.filter(reward_id=found[0], number=found[1]).first()
    if version is None:
        raise Refusal(404, "reference", f"The team has no reward {reference!r}.", "GET /api/v1/rewards lists them.")
    return version


def _texts(body: Question) -> dict[str, list[Any]]:
    """`prompts`, `completions` and columns, all of one length; Refusal with the field that is not."""
    texts = body.completions if body.query is None else body.query
    if texts is None:
        raise Refusal(422, "completions", "There is nothing to score.", "Send `query` (OpenRLHF) or `completions`.")
    if len(texts) > MOST or sum(map(len, texts)) > MOST_LETTERS:
        mend = f"Send at most {MOST:,} texts and {MOST_LETTERS:,} letters at once."
        raise Refusal(413, "completions", f"{len(texts):,} texts are too many or too long.", mend)
    prompts = body.prompts if body.prompts is not None else [""] * len(texts)
    columns = {name: value for name, value in (body.model_extra or {}).items() if isinstance(value, list)}
    if body.labels is not None:
        columns = {"answer": body.labels, "label": body.labels} | columns
    given = {} if body.labels is None else {"labels": body.labels}
    for name, column in {"prompts": prompts, **given, **columns}.items():
        if len(column) != len(texts):
            raise Refusal(422, name, f"It has {len(column)} values for {len(texts)} texts.", "Send one a text.")
    if body.query is not None:
        texts = [ENDS.sub("", text.removeprefix(prompt)) for text, prompt in zip(texts, prompts, strict=True)]
    return {**columns, "prompts": prompts, "completions": texts}
