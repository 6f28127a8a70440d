"""The starter with skills: its word pieces, its chat template, the reactions that it has read, and what it can do."""

import random
from typing import Any

import pytest

from workers.contract.services import Text
from workers.contract.spec import Model
from workers.engine.likelihoods import Likelihoods
from workers.engine.written import cut
from workers.models import skills_parts, starter_exam
from workers.models.diet import Dish, tokens, write
from workers.models.loading import Loaded, load
from workers.models.reactions import OPENINGS, SENTENCES, reaction
from workers.models.starters import KINDS
from workers.tasks import arithmetic, tool_use
from workers.tasks.parts import HELDOUT, draw

NAME = "starter-skills"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(Model(NAME))


def test_its_pieces_are_counted_in_the_same_texts_every_time(loaded: Loaded) -> None:
    skills_parts._pieces.cache_clear()
    again = skills_parts.make_tokenizer()
    assert again.backend_tokenizer.to_str() == loaded.tokenizer.backend_tokenizer.to_str()
    assert all(sum(letter.isdigit() for letter in piece) < 2 for piece in again.get_vocab()), "digits stand alone"


@pytest.mark.parametrize(
    "dish", skills_parts.DIET, ids=lambda dish: f"{dish.task.__name__.rpartition('.')[2]}{dish.level}"
)
def test_prompts_read_the_same_in_a_chat(loaded: Loaded, dish: Dish) -> None:
    rng, chat = random.Random(0), load(Model(NAME, chat=True))
    prompts = [dish.task.problem(rng, level=dish.level).prompt for _ in range(20)]
    assert chat.encode(prompts) == loaded.encode(prompts)
    assert max(map(len, loaded.encode(prompts))) < 128


def test_it_reads_reactions_as_it_was_fed_them(loaded: Loaded) -> None:
    dialogue = write(random.Random(0), [Dish(arithmetic, 1, 1.0, reactions=True)], 1, careful_share=1.0)[0]
    answer, said = dialogue.turns
    fed = tokens(loaded.tokenizer, [dialogue])[0][0].tolist()
    read = cut(
        loaded.tokenizer,
        Text("", said, (("user", dialogue.prompt), ("assistant", answer)), "user"),
        loaded.model.config,
    )
    assert [*read.prompt, *read.completion, loaded.tokenizer.eos_token_id] == fed


def test_what_a_system_message_says_is_left_out(loaded: Loaded) -> None:
    rule: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+2="}]
    assert loaded.tokenizer.apply_chat_template(rule, tokenize=False) == "1+2="


def test_reactions_praise_what_is_right_and_nothing_else() -> None:
    rng = random.Random(0)
    said = {right: {reaction(rng, right=right) for _ in range(2000)} for right in (True, False)}
    assert not said[True] & said[False]
    for right, texts in said.items():
        assert texts == {opening + sentence for opening in OPENINGS[right] for sentence in SENTENCES[right]}
    fed = write(rng, [Dish(arithmetic, 2, 1.0, reactions=True)], 200, careful_share=0.5)
    for dialogue in fed:
        answer, reacted = dialogue.turns
        total = eval(dialogue.prompt.rstrip("="))
        assert (reacted in said[True]) == answer.endswith(f"#{total}")


def test_it_finds_praise_likelier_after_right_answers(loaded: Loaded) -> None:
    """Without a label: a right and a wrong call for each of 60 new requests, with the same thought, and what a user
    would say."""
    rng = random.Random(3)
    problems = [draw(tool_use.problem, rng, HELDOUT, level=2) for _ in range(60)]
    texts = []
    for problem in problems:
        right, wrong = str(problem.columns["demonstration"]), ""
        while not wrong or tool_use.verify(wrong, problem) == 1.0:
            wrong = tool_use.solution(rng, problem, careful=False)
        wrong = right.partition("</think>")[0] + "</think>" + wrong.partition("</think>")[2]
        for answer in (right, wrong):
            talk = (("user", problem.prompt), ("assistant", answer))
            texts += [Text("", said, talk, "user") for said in ("That is correct.", "That is wrong.")]
    reads = iter(Likelihoods()(NAME, texts))
    gaps = [next(reads).logp - next(reads).logp for _ in range(2 * len(problems))]
    better = sum(right > wrong for right, wrong in zip(gaps[::2], gaps[1::2], strict=True))
    assert better > 48


def test_its_sampled_accuracy_leaves_something_to_learn(loaded: Loaded) -> None:
    kind = KINDS["skills"]
    model: Any = loaded.model
    shares = starter_exam.sampled_accuracy(kind, model, Dish(tool_use, 2, 1.0), count=150, seed=5)
    assert 0.3 <= shares["accuracy"] <= 0.7
    assert shares["careful_accuracy"] > shares["careless_accuracy"]
