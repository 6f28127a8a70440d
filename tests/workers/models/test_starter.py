"""The starter models as they ship, and the script that makes them."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from workers.contract.modelnames import STARTERS
from workers.contract.spec import Model
from workers.models import make_starter, starter_exam, starter_parts
from workers.models.diet import tokens, write
from workers.models.loading import load
from workers.models.starter_parts import BOS, EOS, PAD
from workers.models.starters import KINDS, Kind, Recipe
from workers.tasks.parts import HELDOUT, TRAIN, part_of

ROOT = Path(make_starter.__file__).resolve().parent
FIGURES = {"starter": (984_576, "F32"), "skills": (1_033_344, "F16")}


class Shipped(NamedTuple):
    """A starter with its kind, its folder and its number of parameters."""

    kind: Kind
    folder: Path
    parameters: int
    dtype: str
    model: Any
    tokenizer: Any


@pytest.fixture(scope="module", params=sorted(KINDS))
def shipped(request: pytest.FixtureRequest) -> Shipped:
    named = next(name for name in STARTERS if name.endswith(request.param))
    loaded = load(Model(named))
    return Shipped(
        KINDS[request.param], ROOT / STARTERS[named], *FIGURES[request.param], loaded.model, loaded.tokenizer
    )


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load(Model("starter")).tokenizer


def test_it_is_small_enough_to_ship(shipped: Shipped) -> None:
    assert sum(path.stat().st_size for path in shipped.folder.iterdir()) < 8_000_000
    with safe_open(shipped.folder / "model.safetensors", "pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {shipped.dtype}  # noqa: SIM118


def test_it_loads_as_a_llama_of_about_a_million_parameters(shipped: Shipped) -> None:
    model = shipped.model
    assert type(model).__name__ == "LlamaForCausalLM"
    assert model.num_parameters() == shipped.parameters
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert all(bool(torch.isfinite(p).all()) and p.dtype is torch.float32 for p in model.parameters())
    assert f"{shipped.parameters:,}" in (shipped.folder / "README.md").read_text()


def test_configuration_and_tokenizer_agree(shipped: Shipped) -> None:
    model, tokenizer = shipped.model, shipped.tokenizer
    assert model.config.vocab_size == len(tokenizer)
    assert model.config.max_position_embeddings == tokenizer.model_max_length == 512
    assert model.config.pad_token_id == model.generation_config.pad_token_id == tokenizer.pad_token_id
    assert model.config.eos_token_id == model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert tokenizer.get_vocab() == shipped.kind.make_tokenizer().get_vocab(), "as the script makes it"


def test_every_byte_is_a_token_with_its_own_number(tokenizer: Any) -> None:
    assert len(tokenizer) == 259
    letters = starter_parts.byte_letters()
    assert tokenizer.convert_tokens_to_ids(letters) == list(range(256))
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (PAD, BOS, EOS)


TEXTS = ("12+35-8=", "  a  b\n\t", "\u00e9\u4e2d\U0001f600", "\x00\x7f", "sort 7,2=", " ", "")


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_read_and_written_as_it_is(shipped: Shipped, text: str) -> None:
    assert shipped.tokenizer.decode(shipped.tokenizer(text)["input_ids"]) == text


@pytest.mark.parametrize("text", TEXTS)
def test_the_first_one_reads_bytes(tokenizer: Any, text: str) -> None:
    assert tokenizer(text)["input_ids"] == list(text.encode())


def test_the_end_and_padding_are_left_out_when_decoding(tokenizer: Any) -> None:
    assert tokenizer.decode([*b"#39", EOS, PAD], skip_special_tokens=True) == "#39"
    assert tokenizer.decode([0xC3]) == "\ufffd"


def test_its_sampled_accuracy_leaves_something_to_learn() -> None:
    kind = KINDS["starter"]
    model: Any = load(Model("starter")).model
    shares = starter_exam.sampled_accuracy(kind, model, kind.diet[0], count=400, seed=5)
    # Two standard errors of 400 samples are 0.05; over 2,000 it is 0.450 (README), the middle of the band.
    assert 0.35 <= shares["accuracy"] <= 0.55
    assert 0.15 <= shares["careful"] <= 0.5
    assert shares["careful_accuracy"] > 0.85
    assert shares["careless_accuracy"] < 0.4


def test_it_ends_its_completions_by_itself(shipped: Shipped) -> None:
    rng = random.Random(0)
    prompts = [shipped.kind.diet[0].task.problem(rng, level=shipped.kind.diet[0].level).prompt for _ in range(32)]
    read = shipped.tokenizer(prompts, return_tensors="pt", padding=True)
    torch.manual_seed(0)
    written = shipped.model.generate(**read, do_sample=True, top_k=0, max_new_tokens=64)
    behind = written[:, read["input_ids"].shape[1] :]
    assert (behind == shipped.tokenizer.eos_token_id).any(dim=1).float().mean().item() > 0.95


@pytest.mark.parametrize("name", sorted(KINDS))
def test_batches_are_solved_train_problems_with_targets_behind_the_prompt(name: str) -> None:
    kind = KINDS[name]
    tokenizer, dialogues = kind.make_tokenizer(), write(random.Random(0), kind.diet, 64, careful_share=1.0)
    token, target = tokens(tokenizer, dialogues)
    for ids, goal, dialogue in zip(token.tolist(), target.tolist(), dialogues, strict=True):
        assert part_of(dialogue.prompt) == TRAIN
        said = tokenizer.eos_token.join([*dialogue.turns, ""])
        read = [i for i in ids if i != tokenizer.pad_token_id]
        assert tokenizer.decode(read) == dialogue.prompt + said
        start = len(tokenizer(dialogue.prompt)["input_ids"])
        assert goal[start - 1 : len(read) - 1] == read[start:]
        assert all(g == -100 for g in goal[: start - 1] + goal[len(read) - 1 :])


def test_completions_are_judged_on_heldout_problems_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def answer(_: object, __: object, prompts: list[str], **___: object) -> list[str]:
        seen.extend(prompts)
        return ["#0"] * len(prompts)

    monkeypatch.setattr(starter_exam, "complete", answer)
    kind = KINDS["starter"]
    shares = starter_exam.sampled_accuracy(kind, kind.make_model(), kind.diet[0], count=50, seed=0)
    assert {part_of(prompt) for prompt in seen} == {HELDOUT}
    assert shares["careful"] == 0.0
    assert shares["accuracy"] < 0.2


def test_the_share_of_careful_solutions_falls_to_its_end_and_stays() -> None:
    recipe = Recipe(steps=100, careful_share=0.25, mixed_from=0.5)
    assert [recipe.share_at(step) for step in (0, 25, 50, 99)] == [1.0, 0.625, 0.25, 0.25]
    assert [replace(recipe, stop=stop).length for stop in (None, 30, 200)] == [100, 30, 100]


def test_a_second_course_goes_on_with_what_the_first_taught() -> None:
    threads = torch.get_num_threads()
    kind, ends = KINDS["starter"], list[float]()
    recipe = Recipe(seed=3, steps=6, sequences=8, threads=1)
    begun = make_starter.train(kind, recipe, lambda _, __, loss: ends.append(loss))
    make_starter.train(kind, replace(recipe, diet=kind.diet[1:2]), lambda _, __, loss: ends.append(loss), begun)
    torch.set_num_threads(threads)
    assert ends[6] < ends[0] - 1.0


@pytest.mark.parametrize("name", sorted(KINDS))
def test_same_seed_same_weights(name: str) -> None:
    threads = torch.get_num_threads()
    recipe = replace(KINDS[name].recipes[0], seed=3, steps=2, sequences=4, threads=1)
    first, second, other = (
        make_starter.train(KINDS[name], r, lambda *_: None) for r in (recipe, recipe, replace(recipe, seed=4))
    )
    torch.set_num_threads(threads)
    weights = [dict(m.named_parameters()) for m in (first, second, other)]
    assert all(torch.equal(p, weights[1][name]) for name, p in weights[0].items())
    assert any(not torch.equal(p, weights[2][name]) for name, p in weights[0].items())


def test_a_batch_in_parts_teaches_what_the_whole_does() -> None:
    threads = torch.get_num_threads()
    whole = Recipe(seed=3, steps=5, sequences=6, threads=1)
    losses: list[float] = []
    for parts in (1, 3):
        recipe = replace(whole, parts=parts)
        make_starter.train(KINDS["skills"], recipe, lambda _, __, loss: losses.append(loss))
    torch.set_num_threads(threads)
    assert losses[5:] == pytest.approx(losses[:5], abs=2e-3)
    assert losses[4] < losses[0] - 0.1


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_script_saves_a_model_that_loads_and_reports_its_accuracy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    argv = ["make_starter", "--kind", name, "--out", str(out), "--seed", "1", "--steps", "1", "--threads", "1"]
    monkeypatch.setattr("sys.argv", [*argv, "--problems", "4"])
    make_starter.main()
    printed = capsys.readouterr().out
    assert f"{FIGURES[name][0]:,} parameters" in printed
    assert printed.count('"accuracy"') == len(KINDS[name].diet)
    assert json.loads((out / "config.json").read_text())["model_type"] == "llama"
    assert AutoModelForCausalLM.from_pretrained(out, local_files_only=True).num_parameters() == FIGURES[name][0]
    assert len(load(Model(str(out))).tokenizer) == len(KINDS[name].make_tokenizer())
