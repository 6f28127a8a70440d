"""What language models say of texts, against each text read alone by the network itself."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.workers.engine.asked_models import save_reader, word_tokenizer
from tests.workers.tiny import KINDS
from workers.contract.services import Read, Text
from workers.engine import likelihoods
from workers.engine.facilities import Facilities
from workers.engine.likelihoods import Likelihoods

TEXTS = (
    Text("the cat", "sat"), Text("the dog sat the cat sat the dog", "good"), Text("the cat", "bad bad bad cat dog dog"),
    Text("the", "cat sat"), Text("the cat", ""), Text("", "good cat"), Text("the cat", "sat"),
)  # fmt: skip


def alone(network: torch.nn.Module, text: Text) -> tuple[float, int, float]:
    """By the definition: one token after another."""
    tokenizer = word_tokenizer()
    ids = tokenizer(text.prompt)["input_ids"] or [0]
    logp = logit = 0.0
    completion = tokenizer(text.completion)["input_ids"]
    for token in completion:
        with torch.no_grad():
            last = network(torch.tensor([ids])).logits[0, -1]
        logp += float(last.log_softmax(0)[token])
        logit += float(last[token])
        ids = [*ids, token]
    return logp, len(completion), logit


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("numbers", [2**27, 60])
def test_it_works(kind: str, numbers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts of one completion and of several, in one batch or in many."""
    monkeypatch.setattr(likelihoods, "NUMBERS", numbers)
    name = save_reader(tmp_path, kind)
    network = AutoModelForCausalLM.from_pretrained(name)
    found = Likelihoods()(name, TEXTS)
    for text, read in zip(TEXTS, found, strict=True):
        assert read == pytest.approx(alone(network, text), abs=1e-4)
    assert found[4] == Read(0.0, 0, 0.0)


def test_the_next_turn_of_a_dialogue(tmp_path: Path) -> None:
    """What the template writes around the turn is read, and does not count."""
    name = save_reader(tmp_path, chat=True)
    talk = (("user", "the cat"), ("assistant", "sat"))
    found, other = Likelihoods()(
        name,
        [Text("", "good dog", talk, "user"), Text("<|user|>the cat<eos><|assistant|>sat<eos><|user|>", "good dog")],
    )
    assert found == pytest.approx(other, abs=1e-5)
    assert found.tokens == 2


def test_a_prompt_is_read_once_for_all_that_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = save_reader(tmp_path)
    likelihood = Likelihoods()
    likelihood(name, TEXTS[:1])
    network = likelihood._kept[name].model
    sizes = []
    network.register_forward_pre_hook(
        lambda _, args, given: sizes.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    likelihood(name, [Text("the cat sat the dog", end) for end in ("good", "bad", "bad", "cat sat")])
    assert sizes == [(1, 5), (3, 2)]


def test_a_text_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 97 tokens"):
        Likelihoods()(save_reader(tmp_path), [Text("cat " * 90, "cat " * 7)])


def test_rewards_are_given_it(tmp_path: Path) -> None:
    assert Facilities().supply(("likelihood",), "", 0)["likelihood"](save_reader(tmp_path), []) == []
