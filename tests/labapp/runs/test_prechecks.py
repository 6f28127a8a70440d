"""Bad input is refused before anything is queued, each with the field and, where there is one, the fix."""

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from labapp import shelf
from labapp.accounts.models import Team
from labapp.runs import memory, modelfiles, needs, prechecks
from labapp.runs.guided import guided
from labapp.workshop.models import DataSet, DataVersion, Reward, RewardVersion
from workers.contract.errors import Trouble
from workers.contract.spec import Companion, Model, Optimiser, Prompts, RewardPick, RunSpec

CATALOGUE = shelf.catalogue()
CONFIG = {
    "vocab_size": 259, "max_position_embeddings": 96, "hidden_size": 8, "num_hidden_layers": 2,
    "num_attention_heads": 2, "pad_token_id": 256,
}  # fmt: skip


def model_in(path: Path, **config: Any) -> Path:
    """A directory that looks like a saved model with one weight of 3 by 4 numbers."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(CONFIG | config))
    tokenizer = {"model": {"type": "BPE", "vocab": {}, "merges": []}, "pre_tokenizer": {"type": "ByteLevel"}}
    (path / "tokenizer.json").write_text(json.dumps(tokenizer))
    (path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "</s>"}))
    header = json.dumps({"w": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}, "__metadata__": {}}).encode()
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(48))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small model of bytes with 96 positions."""
    return model_in(tmp_path / "model")


@pytest.fixture
def spec(model: Path) -> RunSpec:
    """The guided run on that model."""
    return replace(guided(CATALOGUE), model=Model(str(model)))


def data_set(team: Team, rows: list[dict[str, Any]], columns: list[str], mapping: dict[str, str]) -> DataVersion:
    """A confirmed prompt set of the team with these rows."""
    name = default_storage.save("data/rows.jsonl", ContentFile("\n".join(map(json.dumps, rows)).encode()))
    made = DataSet.objects.create(team=team, name="sums", kind=DataSet.PROMPTS)
    return DataVersion.objects.create(
        dataset=made, number=1, original=name, filename="rows.jsonl", file=name, columns=columns, mapping=mapping,
        rows=len(rows), digest=uuid4().hex,
    )  # fmt: skip


def only(found: list[Trouble]) -> Trouble:
    assert len(found) == 1, found
    return found[0]


def test_it_works(spec: RunSpec, team: Team) -> None:
    assert prechecks.troubles(spec, CATALOGUE, team) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("not a model!", "no id on the hub"), ("", "name a model"), ("/nowhere/at/all", "no directory")],
)
def test_an_unknown_model_is_refused(spec: RunSpec, team: Team, name: str, words: str) -> None:
    trouble = only(prechecks.troubles(replace(spec, model=Model(name)), CATALOGUE, team))
    assert trouble.path == "model.name"
    assert words in trouble.what


@pytest.mark.parametrize(
    ("missing", "words"),
    [("config.json", "no config.json"), ("model.safetensors", "no *.safetensors"), ("tokenizer", "no tokenizer")],
)
def test_a_directory_without_a_file_is_refused(
    spec: RunSpec, team: Team, model: Path, missing: str, words: str
) -> None:
    for path in model.glob(f"{missing}*"):
        path.unlink()
    assert words in only(prechecks.troubles(spec, CATALOGUE, team)).what


def test_broken_files_are_refused(spec: RunSpec, team: Team, model: Path) -> None:
    (model / "model.safetensors").write_bytes(b"\xff" * 20)
    assert "safetensors" in only(prechecks.troubles(spec, CATALOGUE, team)).what
    (model / "config.json").write_text("{")
    assert "cannot be read" in only(prechecks.troubles(spec, CATALOGUE, team)).what


def test_a_model_without_padding_is_refused(spec: RunSpec, team: Team, model: Path) -> None:
    (model / "tokenizer_config.json").write_text("{}")
    assert "padding" in only(prechecks.troubles(spec, CATALOGUE, team)).what
    (model / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<pad>"}))
    assert prechecks.troubles(spec, CATALOGUE, team) == []


def test_a_chat_needs_a_template(spec: RunSpec, team: Team, model: Path) -> None:
    chat = replace(spec, model=Model(str(model), chat=True))
    assert only(prechecks.troubles(chat, CATALOGUE, team)).fix == {"model.chat": False}
    (model / "chat_template.jinja").write_text("{{ messages }}")
    assert prechecks.troubles(chat, CATALOGUE, team) == []


def test_completions_beyond_the_model_are_refused_with_the_fix(spec: RunSpec, team: Team) -> None:
    trouble = only(prechecks.troubles(replace(spec, max_new_tokens=96), CATALOGUE, team))
    assert trouble.fix == {"max_new_tokens": 95}
    assert prechecks.troubles(replace(spec, max_new_tokens=95), CATALOGUE, team) == []


def test_the_longest_prompt_of_a_set_counts(spec: RunSpec, team: Team) -> None:
    version = data_set(team, [{"prompt": "é" * 30, "answer": "1"}, {"prompt": "x"}], ["answer"], {"answer": "a"})
    on_set = replace(spec, prompts=Prompts(dataset=f"{version.dataset_id}@1"))
    trouble = only(prechecks.troubles(on_set, CATALOGUE, team))
    assert trouble.path == "max_new_tokens"
    assert trouble.fix == {"max_new_tokens": 96 - 60}  # thirty letters of two bytes


def test_a_tokenizer_that_merges_may_need_fewer(spec: RunSpec, team: Team, model: Path) -> None:
    """What cannot be known without the tokenizer is left to the worker."""
    said = {"model": {"type": "BPE", "merges": [["a", "b"]]}, "pre_tokenizer": {"type": "ByteLevel"}}
    (model / "tokenizer.json").write_text(json.dumps(said))
    version = data_set(team, [{"prompt": "x" * 80, "answer": "1"}], ["answer"], {"answer": "a"})
    on_set = replace(spec, prompts=Prompts(dataset=f"{version.dataset_id}@1"))
    assert prechecks.troubles(on_set, CATALOGUE, team) == []


def test_a_prompt_that_leaves_no_room_is_refused(spec: RunSpec, team: Team) -> None:
    version = data_set(team, [{"prompt": "x" * 200, "answer": "1"}], ["answer"], {"answer": "a"})
    on_set = replace(spec, prompts=Prompts(dataset=f"{version.dataset_id}@1"))
    assert only(prechecks.troubles(on_set, CATALOGUE, team)).path == "prompts.dataset"


def test_a_missing_column_is_refused(spec: RunSpec, team: Team) -> None:
    version = data_set(team, [{"prompt": "x"}], ["topic"], {})
    on_set = replace(spec, prompts=Prompts(dataset=f"{version.dataset_id}@1"))
    trouble = only(prechecks.troubles(on_set, CATALOGUE, team))
    assert trouble.path == "rewards.0.name"
    assert "'answer'" in trouble.what
    assert "it has: topic" in trouble.what


def test_the_columns_of_code_count(spec: RunSpec, team: Team) -> None:
    version = data_set(team, [{"prompt": "x", "answer": "1"}], [], {"answer": "a"})
    source = "def reward(completions, answer, topic, style='x', *, log_extra=None, **columns): ..."
    code = RewardPick("mine", "code:1@1", source=source)
    on_set = replace(spec, prompts=Prompts(dataset=f"{version.dataset_id}@1"), rewards=(code,))
    trouble = only(prechecks.troubles(on_set, CATALOGUE, team))
    assert "'topic'" in trouble.what


def test_the_verdict_of_a_task_is_not_to_be_had_from_a_set(spec: RunSpec, team: Team) -> None:
    version = data_set(team, [{"prompt": "x", "answer": "1"}], [], {"answer": "a"})
    rewards = (RewardPick("ok", "verified"),)
    on_set = replace(spec, prompts=Prompts(dataset=f"{version.dataset_id}@1"), rewards=rewards)
    assert "verifier" in only(prechecks.troubles(on_set, CATALOGUE, team)).what


def test_another_teams_set_does_not_show_itself(spec: RunSpec, team: Team) -> None:
    elsewhere = Team.objects.create(name="Else", slug="else")
    version = data_set(elsewhere, [{"prompt": "x", "answer": "1"}], [], {"answer": "a"})
    on_set = replace(spec, prompts=Prompts(dataset=f"{version.dataset_id}@1"))
    missing = replace(spec, prompts=Prompts(dataset="999999@1"))
    said = [only(prechecks.troubles(one, CATALOGUE, team)).what for one in (on_set, missing)]
    assert said[0].replace(f"{version.dataset_id}@1", "") == said[1].replace("999999@1", "")


@pytest.mark.parametrize("reference", ["", "x", "1", "1@", "@1", "1@1@1", "9" * 30 + "@1"])
def test_a_reference_that_is_none_is_refused(spec: RunSpec, team: Team, reference: str) -> None:
    assert prechecks.troubles(replace(spec, prompts=Prompts(dataset=reference)), CATALOGUE, team)


def test_a_file_of_the_server_is_not_read_for_the_web(spec: RunSpec, team: Team) -> None:
    trouble = only(prechecks.troubles(replace(spec, prompts=Prompts(path="/etc/passwd")), CATALOGUE, team))
    assert trouble.path == "prompts.path"


def test_code_that_was_never_saved_or_is_no_python_is_refused(spec: RunSpec, team: Team) -> None:
    reward = Reward.objects.create(team=team, name="mine")
    RewardVersion.objects.create(reward=reward, number=1, source="def reward(completions): ...")
    name = f"code:{reward.id}@1"

    def said(pick: RewardPick) -> list[Trouble]:
        return prechecks.troubles(replace(spec, rewards=(pick,)), CATALOGUE, team)

    assert said(RewardPick("a", name, source="def reward(completions): ...")) == []
    changed = only(said(RewardPick("a", name, source="def reward(completions): return 1")))
    assert changed.fix == {"rewards.0.source": "def reward(completions): ..."}
    assert "no saved text" in said(RewardPick("a", "code:999@1"))[0].what
    assert "line 1" in only(said(RewardPick("a", "code:999@1", source="def reward("))).what


def test_a_micro_batch_that_does_not_divide_the_batch_is_refused(spec: RunSpec, team: Team) -> None:
    trouble = only(prechecks.troubles(replace(spec, optimiser=Optimiser(micro_groups=5)), CATALOGUE, team))
    assert trouble.fix == {"optimiser.micro_groups": 4}


def test_rewards_of_the_library_say_their_columns() -> None:
    exact = next(one for one in guided(CATALOGUE).rewards if one.name == "exact_answer")
    assert needs.columns(exact, CATALOGUE) == {"answer"}
    assert needs.columns(RewardPick("b", "brevity"), CATALOGUE) == set()
    assert needs.wants_verdict(RewardPick("v", "verified"), CATALOGUE)


def test_code_in_the_words_of_others_says_its_columns() -> None:
    source = "def compute_score(data_source, solution_str, ground_truth, extra_info=None):\n    return ground_truth"
    assert needs.columns(RewardPick("c", "code:1@1", source=source), CATALOGUE) == {"answer"}
    assert needs.columns(RewardPick("c", "code:1@1", source="def reward("), CATALOGUE) == set()


def test_the_memory_estimate_follows_the_sizes(spec: RunSpec, model: Path) -> None:
    sizes = modelfiles.facts(model).sizes
    assert sizes is not None
    weights = 4 * sizes.parameters  # bytes
    parts = memory.estimate(spec, sizes, CATALOGUE, there=10**12).parts
    assert parts["weights and optimiser"] == 4 * weights
    assert parts["frozen models"] == weights  # the guided run's KL asks for the reference
    assert "frozen models" not in memory.estimate(replace(spec, regularisers=()), sizes, CATALOGUE).parts
    double = memory.estimate(replace(spec, batch_prompts=32), sizes, CATALOGUE, there=10**12)
    assert double.total > sum(parts.values())


def test_the_memory_estimate_counts_the_further_models(spec: RunSpec, model: Path) -> None:
    sizes = modelfiles.facts(model).sizes
    assert sizes is not None
    more = replace(spec, companions=(Companion("critic"), Companion("guide", Model("/models/guide"))))
    assert memory.copies(more, CATALOGUE) == (2, 1)
    parts = memory.estimate(more, sizes, CATALOGUE, there=10**12).parts
    assert parts["frozen models"] == 2 * 4 * sizes.parameters
    assert parts["critic and its optimiser"] == 4 * 4 * sizes.parameters


def test_too_much_memory_offers_smaller_micro_batches(spec: RunSpec, model: Path) -> None:
    sizes = modelfiles.facts(model).sizes
    assert sizes is not None
    whole = memory.estimate(spec, sizes, CATALOGUE, there=10**12)
    half = memory.estimate(replace(spec, optimiser=Optimiser(micro_groups=8)), sizes, CATALOGUE, there=10**12)
    tight = memory.estimate(spec, sizes, CATALOGUE, there=half.total)
    assert whole.total > half.total
    assert tight.tight
    assert tight.fix == {"optimiser.micro_groups": 8}


def test_devices_share_the_machine_and_the_step(spec: RunSpec, model: Path) -> None:
    """Two devices hold the weights twice, and half of the step's groups each."""
    sizes = modelfiles.facts(model).sizes
    assert sizes is not None
    alone = memory.estimate(replace(spec, batch_prompts=8), sizes, CATALOGUE, there=10**12)
    two = memory.estimate(replace(spec, batch_prompts=16, devices=2), sizes, CATALOGUE, there=10**12)
    assert two.parts == alone.parts
    assert (two.each, two.total) == (alone.total, 2 * alone.total)
    tight = memory.estimate(replace(spec, batch_prompts=16, devices=2), sizes, CATALOGUE, there=2 * alone.total - 1)
    assert tight.tight
    assert tight.fix == {"optimiser.micro_groups": 4}
