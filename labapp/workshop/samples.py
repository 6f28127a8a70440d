"""Samples to try a reward on: from a data set, from a run's newest rollouts, or pasted."""

import json
from collections.abc import Mapping
from types import NoneType
from typing import Any
from uuid import UUID

from django.db.models import Exists, Max, OuterRef

from labapp.accounts.models import Team
from labapp.observatory.models import Rollout
from labapp.runs import modelfiles
from labapp.runs.models import Run
from labapp.workshop import prepared
from labapp.workshop.models import DataSet, DataVersion
from workers.contract.analysis import WORDS
from workers.contract.modelnames import is_of_run

COUNTS = (8, 32, 128, 200)  # the last is what is asked for where nobody chose
LONGEST = 200_000  # letters of a pasted text
PLACES = ("pasted", "data", "run")
MOST_RUNS = 50  # whose tokenizers are offered
STARTER = "starter"


class NoSamples(ValueError):
    """Why there is nothing to try on, and what to do."""


def versions(team: Team) -> list[DataVersion]:
    """The data that samples can come from: recorded completions before prompts, newest first."""
    found = DataVersion.objects.filter(dataset__team=team).exclude(file="").select_related("dataset")
    return list(found.order_by("dataset__kind", "-created")[:200])


def runs(team: Team) -> list[Run]:
    """The runs that have rollouts, newest first."""
    stored = Exists(Rollout.objects.filter(run=OuterRef("pk")))
    return list(Run.objects.filter(stored, team=team, deleted=None).order_by("-created")[:100])


def gather(team: Team, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Samples {prompt, completion, label?, columns...} as the form asks for them; NoSamples with a sentence."""
    place = str(asked.get("place", ""))
    count = _count(asked)
    if place == "data":
        return _from_data(team, str(asked.get("dataset", "")), count)
    if place == "run":
        return _from_run(team, str(asked.get("run", "")), count)
    return _pasted(str(asked.get("pasted", "")))


def _count(asked: Mapping[str, Any]) -> int:
    return int(asked["count"]) if str(asked.get("count", "")) in map(str, COUNTS) else COUNTS[-1]


def _from_data(team: Team, reference: str, count: int) -> list[dict[str, Any]]:
    found = next((one for one in versions(team) if one.reference == reference), None)
    if found is None:
        raise NoSamples("Choose a data set.")
    try:
        pairs = found.dataset.kind == DataSet.PAIRS  # each is two samples
        rows = prepared.read_evenly(found, count // 2 if pairs else count)
    except FileNotFoundError:
        raise NoSamples(f"The rows of {found} are gone: upload the file again.") from None
    answered = bool(found.mapping.get("answer"))
    return [sample for row in rows for sample in _of_row(row, answered)]


def _of_row(row: Mapping[str, Any], answered: bool) -> list[dict[str, Any]]:
    """A pair is two samples. A prompt set has no completions: there each prompt's own answer stands in for one."""
    sample = dict(row["columns"])
    if answered:
        sample["answer"] = row["answer"]
    if "chosen" in row:
        sides = ((row["chosen"], 1.0), (row["rejected"], 0.0))
        return [{**sample, "prompt": row["prompt"], "completion": text, "label": label} for text, label in sides]
    completion = row["completion"] if "completion" in row else row["columns"].get("answer", row["answer"])
    return [{**sample, "prompt": row["prompt"], "completion": completion, "label": row.get("label")}]


def _from_run(team: Team, number: str, count: int) -> list[dict[str, Any]]:
    return [
        {"prompt": row.prompt, "completion": row.completion, "answer": row.answer, "label": row.label}
        for row in _newest(team, number, count)
    ]


def _newest(team: Team, number: str, count: int) -> list[Rollout]:
    try:
        rollouts = Rollout.objects.filter(run=UUID(number), run__team=team, run__deleted=None).select_related("run")
    except ValueError:
        raise NoSamples("Choose a run.") from None
    newest = rollouts.aggregate(step=Max("step"))["step"]
    rows = [] if newest is None else list(rollouts.filter(step=newest).order_by("index")[:count])
    if not rows:
        raise NoSamples("This run has no completions yet.")
    return rows


def stored(team: Team, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a run stored of the samples that come from it: {lengths} in tokens, and its `own` tokenizer where that one
    lies on this machine; nothing for samples from elsewhere."""
    if asked.get("place") != "run":
        return {}
    rows = _newest(team, str(asked.get("run", "")), _count(asked))
    own = _tokenizer(rows[0].run.spec)
    return {"lengths": [row.length for row in rows], "own": own if own == WORDS or modelfiles.place(own) else ""}


def tokenizers(team: Team) -> list[str]:
    """By what lengths can be told: words, the starter's bytes, and the models of the team's newest runs."""
    specs = Run.objects.filter(team=team, deleted=None).order_by("-created").values_list("spec", flat=True)[:MOST_RUNS]
    return list(dict.fromkeys([WORDS, STARTER, *filter(None, map(_tokenizer, specs))]))


def _tokenizer(spec: Mapping[str, Any]) -> str:
    """The name of a run's tokenizer, of its model or as an analysis names it; what another run learned has one of
    those."""
    model = spec.get("model")
    name = str(model.get("name", "")) if isinstance(model, Mapping) else str(spec.get("tokenizer", ""))
    return "" if is_of_run(name) else name


def _pasted(text: str) -> list[dict[str, Any]]:
    """A line is an object with a completion, or else a completion by itself."""
    if len(text) > LONGEST:
        raise NoSamples(f"The pasted text has {len(text):,} letters; {LONGEST:,} are allowed. Upload it under Data.")
    samples = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line.strip():
            samples.append(_of_line(line, number))
    if not samples:
        raise NoSamples("Paste at least one completion, one a line.")
    if len(samples) > COUNTS[-1]:
        raise NoSamples(f"{len(samples):,} lines are pasted; {COUNTS[-1]} are allowed. Upload them under Data.")
    return samples


def _of_line(line: str, number: int) -> dict[str, Any]:
    if not line.lstrip().startswith("{"):
        return {"prompt": "", "completion": line, "label": None}
    try:
        made = json.loads(line, parse_constant=_refused)
        json.dumps(made, ensure_ascii=False, allow_nan=False).encode()  # 1e999 is read, but none can write it
    except UnicodeEncodeError:
        raise NoSamples(f"Line {number} holds half of a character (\\ud800 to \\udfff), which is no text.") from None
    except RecursionError:
        raise NoSamples(f"Line {number} is nested too deep to be read.") from None
    except ValueError as error:
        raise NoSamples(f"Line {number} starts as an object but is not JSON: {error}") from None
    if not isinstance(made.get("completion"), str) or not isinstance(made.get("prompt", ""), str):
        raise NoSamples(f"Line {number} needs a completion of text, and a prompt of text if it has one.")
    if not isinstance(made.get("label"), (int, float, NoneType)):
        raise NoSamples(f"Line {number}: a label is true, false, or a number from 0 (wrong) to 1 (right).")
    return {"prompt": "", "label": None, **made}


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
