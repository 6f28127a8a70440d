"""Reward models by name, saved to disk here: one number a text, whoever its neighbours are."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tests.workers.engine.asked_models import save_reader, save_reward_model, word_tokenizer
from workers.contract.errors import RunError
from workers.contract.services import Text
from workers.engine import rewardmodels
from workers.engine.facilities import Facilities
from workers.engine.rewardmodels import RewardModels
from workers.engine.written import written

TEXTS = (
    Text("the cat", " sat"),
    Text("", "good"),
    Text("the dog", " " + "bad " * 40),
    Text("the", " cat sat"),
    Text("", ""),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_reward_model(tmp_path_factory.mktemp("judge"))


def test_it_works(folder: str) -> None:
    """As the network itself says of each text alone, without filling."""
    scores = RewardModels()(folder, TEXTS)
    network = AutoModelForSequenceClassification.from_pretrained(folder)
    for text, score in list(zip(TEXTS, scores, strict=True))[:4]:
        ids = word_tokenizer()(text.prompt + text.completion)["input_ids"]
        with torch.no_grad():
            assert score == pytest.approx(float(network(torch.tensor([ids])).logits), abs=1e-5)
    assert scores[0] == pytest.approx(scores[3], abs=1e-6), "the same whole text"
    assert len({round(score, 4) for score in scores[:3]}) == 3


def test_a_dialogue_is_written_through_the_template(tmp_path: Path) -> None:
    name = save_reward_model(tmp_path / "chat", chat=True)
    found, other = RewardModels()(
        name, [Text("", "cat", (("user", "the dog"),)), Text("", "<|user|>the dog<eos><|assistant|>cat<eos>")]
    )
    assert found == pytest.approx(other, abs=1e-6)


def test_a_model_without_a_pad_token_reads_the_last_token_whatever_it_is(tmp_path: Path) -> None:
    """Its tokenizer fills up with the end token, with which texts of the template end: alone, that is what is read."""
    name = save_reward_model(tmp_path / "chat", chat=True)
    for file, changes in (("config.json", {"pad_token_id": None}), ("tokenizer_config.json", {"pad_token": "<eos>"})):
        place = tmp_path / "chat" / file
        place.write_text(json.dumps(json.loads(place.read_text()) | changes))
    texts = [Text("", words, (("user", "the dog"),)) for words in ("cat", "good good sat", "bad")]
    scores = RewardModels()(name, texts)
    network = AutoModelForSequenceClassification.from_pretrained(name)
    assert network.config.pad_token_id is None
    for text, score in zip(texts, scores, strict=True):
        before, after, _ = written(word_tokenizer(chat=True), text)
        assert after == "<eos>"
        ids = word_tokenizer()(f"{before}{text.completion}{after}", add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            assert score == pytest.approx(float(network(torch.tensor([ids])).logits), abs=1e-5)


def test_where_there_is_no_template_lines_begin_with_roles(folder: str) -> None:
    found, other = RewardModels()(
        folder, [Text("", "cat", (("user", "the dog"),)), Text("User: the dog\nAssistant: ", "cat")]
    )
    assert found == pytest.approx(other, abs=1e-6)


def test_a_model_is_loaded_once_and_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    real = rewardmodels.load_reward_model

    def counted(name: str) -> Any:
        loaded.append(name)
        return real(name)

    monkeypatch.setattr(rewardmodels, "load_reward_model", counted)
    names = [save_reward_model(tmp_path / str(n)) for n in range(3)]
    models = RewardModels()
    for n in (0, 0, 1, 0, 2, 0, 1):
        models(names[n], TEXTS[:1])
    assert loaded == [names[n] for n in (0, 1, 2, 1)]


def test_what_is_no_reward_model_is_refused(tmp_path: Path) -> None:
    """A language model would be given a head of random numbers, with nothing but a warning."""
    models = RewardModels()
    with pytest.raises(RunError, match=r"is no reward model: its files lack score\.weight"):
        models(save_reader(tmp_path / "reader"), TEXTS)
    with pytest.raises(RunError, match="gives 3 numbers a text, not one"):
        models(save_reward_model(tmp_path / "three", labels=3), TEXTS)
    with pytest.raises(RunError, match="there is no directory"):
        models(str(tmp_path / "nothing"), TEXTS)


def test_a_text_that_is_too_long_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="has 97 tokens, and the model takes at most 96"):
        RewardModels()(folder, [Text("", "cat " * 97)])


def test_rewards_are_given_it(folder: str) -> None:
    facilities = Facilities()
    assert len(facilities.supply(("reward_model",), "", 0)["reward_model"](folder, TEXTS)) == len(TEXTS)
    assert facilities.supply(("reward_model",), "", 0)["reward_model"](folder, []) == []
