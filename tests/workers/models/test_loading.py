"""Models by name: small Llama- and Qwen-shaped ones with a BPE tokenizer on disk, and each refusal."""

import json
from pathlib import Path

import pytest
import torch

from tests.workers.tiny import MemoryLedger, make_model, make_tokenizer, save_model, tiny_spec
from workers.contract.errors import RunError
from workers.contract.modelnames import STARTERS
from workers.contract.spec import Budget, Model
from workers.engine.run import train
from workers.models.loading import STARTER, check_length, load


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gpt2"])
def test_a_directory_loads_and_trains(tmp_path: Path, kind: str) -> None:
    save_model(tmp_path / "mine", kind)
    loaded = load(Model(str(tmp_path / "mine")))
    assert (loaded.pad, loaded.ends, loaded.longest) == (0, (1,), 96)
    assert not loaded.model.training
    text = "the cat 12+30"
    assert loaded.encode([text]) == [make_tokenizer()(text)["input_ids"]], "cut as the tokenizer on disk cuts"
    assert next(loaded.model.parameters()).dtype is torch.float32
    ledger = MemoryLedger(tmp_path / "run")
    spec = tiny_spec(tmp_path, model=Model(str(tmp_path / "mine")), budget=Budget(steps=2, eval_every=0))
    train(spec, ledger)
    assert ledger.curves()[2]["mismatch"] < 1e-4


def test_the_starter_loads() -> None:
    loaded = load(Model(STARTER))
    assert loaded.encode(["1+2="]) == [list(b"1+2=")]


def test_a_starter_that_is_not_there_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STARTERS, "starter-skills", "nowhere")
    with pytest.raises(RunError, match="starter-skills is not there") as caught:
        load(Model("starter-skills"))
    assert "--kind skills" in caught.value.mend


def test_half_precision_weights_are_taken_as_float32(tmp_path: Path) -> None:
    save_model(tmp_path)
    model = make_model("llama", 300)
    torch.nn.Module.to(model, torch.bfloat16)
    model.save_pretrained(tmp_path)
    assert next(load(Model(str(tmp_path))).model.parameters()).dtype is torch.float32


def test_the_chat_template_is_applied_when_asked(tmp_path: Path) -> None:
    save_model(tmp_path)
    plain, chat = load(Model(str(tmp_path))), load(Model(str(tmp_path), chat=True))
    inner = plain.encode(["the cat"])[0]
    names = {name: plain.tokenizer.convert_tokens_to_ids(name) for name in ("<|user|>", "<eos>", "<|assistant|>")}
    assert chat.encode(["the cat"]) == [[names["<|user|>"], *inner, names["<eos>"], names["<|assistant|>"]]]


def test_a_chat_run_without_a_template_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    load(Model(str(tmp_path)))
    with pytest.raises(RunError, match="no chat template") as caught:
        load(Model(str(tmp_path), chat=True))
    assert caught.value.where == "tokenizer"
    assert caught.value.mend


def test_the_end_token_fills_rows_when_there_is_no_pad_token(tmp_path: Path) -> None:
    loaded = load(Model(str(save_model(tmp_path, pad_token=None))))
    assert loaded.pad == 1
    assert "no pad token" in loaded.notes[0]
    ledger = MemoryLedger(tmp_path / "run")
    train(tiny_spec(tmp_path, model=Model(str(tmp_path)), budget=Budget(steps=1, eval_every=0)), ledger)
    assert any("no pad token" in event.data["text"] for event in ledger.kind("note"))
    assert ledger.curves()[1]["mismatch"] < 1e-4


def test_neither_pad_nor_end_token_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, pad_token=None, eos_token=None)
    with pytest.raises(RunError, match="neither a pad token nor an end token") as caught:
        load(Model(str(tmp_path)))
    assert caught.value.where == "tokenizer"
    assert "pad_token" in caught.value.mend


def test_a_model_without_an_end_runs_to_the_limit(tmp_path: Path) -> None:
    save_model(tmp_path, eos_token=None)
    for name in ("config.json", "generation_config.json"):
        document = json.loads((tmp_path / name).read_text()) | {"eos_token_id": None}
        (tmp_path / name).write_text(json.dumps(document))
    loaded = load(Model(str(tmp_path)))
    assert loaded.ends == ()
    assert "no end token" in loaded.notes[0]
    ledger = MemoryLedger(tmp_path / "run")
    train(tiny_spec(tmp_path, model=Model(str(tmp_path)), budget=Budget(steps=1, eval_every=0)), ledger)
    assert ledger.curves()[1]["cut_off"] == 1.0


def test_pickled_weights_are_never_opened(tmp_path: Path) -> None:
    save_model(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(make_model("llama", 300).state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(RunError, match="cannot be loaded") as caught:
        load(Model(str(tmp_path)))
    assert caught.value.where == "model"
    assert "safetensors" in caught.value.mend


@pytest.mark.parametrize("name", ["/nowhere/at/all", "./nowhere", "~/no-such-model"])
def test_a_path_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(RunError, match="there is no directory") as caught:
        load(Model(name))
    assert caught.value.where == "model"


def test_an_unknown_id_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RunError, match="no-such-team/no-such-model") as caught:
        load(Model("no-such-team/no-such-model"))
    assert caught.value.where in ("model", "tokenizer")


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be loaded"):
        load(Model(str(tmp_path)))


def test_a_tokenizer_that_is_too_large_for_the_model_is_refused(tmp_path: Path) -> None:
    make_model("llama", 50).save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(RunError, match="the model only 50"):
        load(Model(str(tmp_path)))


def test_length_is_checked_at_the_very_edge(tmp_path: Path) -> None:
    loaded = load(Model(str(save_model(tmp_path))))
    check_length(loaded, [[5] * 88], ["x"], 8)
    with pytest.raises(RunError, match="89 tokens and 8 new ones exceed the model's 96") as caught:
        check_length(loaded, [[5], [5] * 89], ["a", "b"], 8)
    assert caught.value.evidence == {"index": 1, "prompt": "b", "length": 89}
    assert "at most 7 new tokens" in caught.value.mend
