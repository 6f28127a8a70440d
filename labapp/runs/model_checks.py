"""What is wrong with a run's model, and whether prompts and completions fit into it, as its files tell."""

import json
from collections.abc import Iterator
from functools import lru_cache

from django.core.files.storage import default_storage

from labapp import shelf
from labapp.runs import modelfiles
from labapp.runs.learned import NotLearned, directory_of
from labapp.runs.modelfiles import ModelFacts
from labapp.workshop.models import DataVersion
from workers.contract.analysis import AnalysisSpec
from workers.contract.errors import Trouble
from workers.contract.modelnames import is_of_run, models_named
from workers.contract.spec import RunSpec


def model_facts(spec: RunSpec, team: int) -> ModelFacts | None:
    """What the model's files tell; None for a model on the hub or for files that are no model."""
    try:
        directory = directory_of(spec.model.name, team)
        return None if directory is None else modelfiles.facts(directory)
    except (modelfiles.ModelTrouble, NotLearned):
        return None


def run_troubles(spec: RunSpec | AnalysisSpec, team: int) -> Iterator[Trouble]:
    """The models, anywhere in the document, that are other runs' and are not there for this team, or not its own."""
    for path, name in models_named(spec, shelf.catalogue()):
        try:
            directory = directory_of(name, team)
            if is_of_run(name) and directory is not None:
                modelfiles.facts(directory)
        except (modelfiles.ModelTrouble, NotLearned) as error:
            yield Trouble(path, str(error))


def model_troubles(spec: RunSpec, team: int) -> Iterator[Trouble]:
    """What is wrong with the models that the run names, as far as their files tell."""
    yield from run_troubles(spec, team)
    name = spec.model.name
    try:
        directory = directory_of(name, team)
    except NotLearned:
        return
    if not name.strip():
        yield Trouble(
            "model.name", "name a model: a starter, an id on the hub or a directory", {"model.source": "starter"}
        )
    elif directory is None:
        if not modelfiles.HUB_ID.match(name):
            yield Trouble("model.name", f"{name!r} is no id on the hub; they look like Qwen/Qwen2.5-0.5B")
    else:
        try:
            made = modelfiles.facts(directory)
        except modelfiles.ModelTrouble as error:
            yield Trouble("model.name", str(error))
            return
        if not made.pads:
            what = (
                "its tokenizer names neither a padding nor an end-of-text token; set tokenizer.pad_token, save it again"
            )
            yield Trouble("model.name", what)
        if spec.model.chat and not made.templated:
            yield Trouble("model.chat", "its tokenizer has no chat template", {"model.chat": False})


def length_troubles(spec: RunSpec, version: DataVersion | None, team: int) -> Iterator[Trouble]:
    """Prompts and completions that are longer than the model has positions."""
    made = model_facts(spec, team)
    if made is None or made.longest is None:
        return
    try:
        prompt = longest_prompt(version) if version is not None and made.bytes_only else 1
    except FileNotFoundError:
        yield Trouble("prompts.dataset", f"the rows of {version} are gone: upload the file again")
        return
    room = made.longest - prompt
    if spec.max_new_tokens <= room:
        return
    if room < 1:
        what = f"the longest prompt of {version} has {prompt:,} tokens, and the model has {made.longest:,} positions"
        yield Trouble("prompts.dataset", what)
        return
    what = (
        f"{spec.max_new_tokens:,} new tokens after a prompt of {'at least ' if prompt == 1 else ''}{prompt:,} "
        f"are more than the model's {made.longest:,} positions"
    )
    yield Trouble("max_new_tokens", what, {"max_new_tokens": room})


def longest_prompt(version: DataVersion) -> int:
    """Length of the set's longest prompt in bytes, which are the tokens of a model of bytes."""
    return _longest_prompt(version.file, version.digest)


@lru_cache(maxsize=64)
def _longest_prompt(file: str, digest: str) -> int:
    """A version never changes, so its file is read once."""
    longest = 0
    with default_storage.open(file) as lines:
        for line in lines:
            prompt = json.loads(line).get("prompt", "")
            longest = max(longest, len(str(prompt).encode()))
    return longest
