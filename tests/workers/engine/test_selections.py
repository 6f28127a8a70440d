"""What selections may do in a step: plan, wish in every way there is, leave out, weigh; seen by planted ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.planted import planted
from tests.workers.tiny import tiny_spec
from workers.contract.answers import CUT_OFF, FINISHED
from workers.contract.errors import RunError
from workers.engine.judges import close_all
from workers.engine.learner import Learner, make_learner
from workers.engine.recipe import Part
from workers.engine.step import Step, take_step
from workers.engine.tensors import Ahead, Candidates, Selection, Shaped, Wish


@pytest.fixture
def learner(tmp_path: Path) -> Any:
    """A tiny run of two prompts with three completions each."""
    made = make_learner(tiny_spec(tmp_path, batch_prompts=2, siblings=3), lambda *_: None)
    yield made
    close_all(made.objectives)


def stepped(learner: Learner, *parts: Part, step: int = 1) -> Step:
    """One step with these selections."""
    learner.recipe = replace(learner.recipe, selection=parts)
    return take_step(learner, step)


def keep_all(candidates: Candidates) -> Selection:
    return Selection(torch.ones(len(candidates.reward_N)))


def test_a_plan_gives_groups_of_any_size(learner: Learner) -> None:
    def select(prompts: Ahead) -> Selection:
        assert prompts.past_PH.isnan().all()
        assert prompts.drawn_P.tolist() == [0, 0]
        return Selection(count_P=torch.tensor([1, prompts.siblings + 2]))

    made = stepped(learner, planted("selection", select))
    assert made.table.columns["group"] == [0, 1, 1, 1, 1, 1]


def test_a_plan_of_nothing_is_refused(learner: Learner) -> None:
    with pytest.raises(RunError, match="plans no completion"):
        stepped(learner, planted("selection", lambda prompts: Selection(count_P=torch.zeros(2))))


def test_the_past_of_a_prompt_comes_back_newest_first(learner: Learner) -> None:
    seen: list[Ahead] = []

    def select(prompts: Ahead) -> Selection:
        seen.append(prompts)
        return Selection(count_P=torch.full((len(prompts.drawn_P),), 3))

    learner.source = replace_batch(learner.source)
    first = stepped(learner, planted("selection", select), step=1)
    second = stepped(learner, planted("selection", select), step=2)
    stepped(learner, planted("selection", select), step=3)
    totals = [made.table.columns["reward_total"][:3] for made in (second, first)]
    expected = [round(v, 5) for total in totals for v in reversed(total)]
    assert [round(v, 5) for v in seen[2].past_PH[0][:6].tolist()] == expected
    assert seen[2].past_PH[0][6:].isnan().all()
    assert seen[2].drawn_P.tolist() == [3, 3]


def test_only_what_the_policy_did_by_itself_is_experience(learner: Learner) -> None:
    """Two prompts of three completions, a text and a copy in their groups, and a new prompt: the last alone counts too.
    A second selection helps in the new prompt's group, and that is none either."""
    wishes = [(Wish(0, text="the hat", tag=0),), (Wish(1, copy=0, tag=7),), (Wish(tag=100),)]

    def plan(prompts: Ahead) -> Selection:
        return Selection(count_P=torch.full((len(prompts.drawn_P),), 3))

    def wishing(candidates: Candidates) -> Selection:
        return Selection(wishes=wishes[candidates.round]) if candidates.round < 3 else keep_all(candidates)

    def helping(candidates: Candidates) -> Selection:
        return keep_all(candidates) if candidates.round else Selection(wishes=(Wish(2, text="the cat", tag=3),))

    parts = (planted("selection", plan), planted("selection", wishing), planted("selection", helping))
    made = stepped(learner, *parts)
    prompts = made.table.columns["prompt"]
    assert len(prompts) == 6 + 2 + 3 + 1
    past_PH, drawn_P = learner.history.ahead([prompts[0], prompts[3], prompts[8]])
    assert drawn_P.tolist() == [3, 3, 3]
    totals = made.table.columns["reward_total"]
    for past_H, first in zip(past_PH, (0, 3, 8), strict=True):
        assert past_H[~past_H.isnan()].tolist() == pytest.approx(totals[first : first + 3][::-1], abs=1e-5)


def replace_batch(source: Any) -> Any:
    """The same problems at every step."""
    always = source.batch(1, 2)

    class Same:
        batch = staticmethod(lambda step, count: always)
        verdicts = source.verdicts

    return Same()


def test_a_row_without_weight_is_not_learned_from(learner: Learner) -> None:
    def select(candidates: Candidates) -> Selection:
        return Selection((torch.arange(len(candidates.reward_N)) != 1).float())

    made = stepped(learner, planted("selection", select))
    assert len(made.table) == 6
    assert made.metrics["selection/kept"] == pytest.approx(5 / 6)
    ratio_NT = made.table.streams["ratio"]
    assert (ratio_NT[1] == 0).all()
    assert (ratio_NT[0] != 0).any()


def test_new_prompts_come_behind_with_groups_of_their_own(learner: Learner) -> None:
    rounds: list[int] = []

    def select(candidates: Candidates) -> Selection:
        rounds.append(len(candidates.reward_N))
        if candidates.round == 0:
            return Selection(wishes=(Wish(),))
        return keep_all(candidates)

    made = stepped(learner, planted("selection", select))
    assert rounds == [6, 9]
    assert made.table.columns["group"] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    prompts = made.table.columns["prompt"]
    assert prompts[6] == prompts[7] == prompts[8]
    again = stepped(learner, planted("selection", select))
    assert again.table.columns["prompt"] == prompts, "what is drawn follows from seed and step"


def test_a_completion_under_another_prompt_joins_its_group(learner: Learner) -> None:
    def select(candidates: Candidates) -> Selection:
        if candidates.round == 0:
            return Selection(wishes=(Wish(1, prompt="the dog 5+1=", tag=4),))
        assert candidates.tag_N.tolist() == [-1] * 6 + [4]
        return keep_all(candidates)

    made = stepped(learner, planted("selection", select))
    assert made.table.columns["prompt"][6] == "the dog 5+1="
    assert made.table.columns["group"][6] == 1
    assert made.table.columns["answer"][6] == made.table.columns["answer"][3]
    assert made.metrics["mismatch"] < 1e-4, "old log-probabilities are those under the prompt that was used"


def test_a_given_text_is_read_by_the_policy(learner: Learner) -> None:
    def select(candidates: Candidates) -> Selection:
        return keep_all(candidates) if candidates.round else Selection(wishes=(Wish(0, text="the hat", tag=0),))

    made = stepped(learner, planted("selection", select))
    assert made.table.columns["completion"][6] == "the hat"
    assert made.metrics["mismatch"] < 1e-4


def test_a_given_text_without_room_for_its_end_is_cut_off(learner: Learner) -> None:
    """This vocabulary has no merges of these letters: one token each, and eight places for them and the end."""
    texts = ("zqx" * 2 + "z", "zqx" * 2 + "zq", "zqx" * 4)

    def select(candidates: Candidates) -> Selection:
        return keep_all(candidates) if candidates.round else Selection(wishes=tuple(Wish(0, text=t) for t in texts))

    columns = stepped(learner, planted("selection", select)).table.columns
    assert columns["length"][6:] == [8, 8, 8]
    assert columns["end"][6:] == [FINISHED, CUT_OFF, CUT_OFF]
    assert columns["completion"][6:] == [texts[0], texts[1], texts[2][:8]]


def test_a_given_text_ends_with_the_tokenizers_own_end(learner: Learner) -> None:
    """Of several tokens that end a completion, as chat models have them, the lowest is not the right one."""

    def select(candidates: Candidates) -> Selection:
        return keep_all(candidates) if candidates.round else Selection(wishes=(Wish(0, text="the hat"),))

    learner.loaded = replace(learner.loaded, ends=(0, 1))
    assert learner.loaded.tokenizer.eos_token_id == 1
    assert stepped(learner, planted("selection", select)).table.columns["token_ids"][6][-1] == 1
    learner.loaded.tokenizer.eos_token = None
    assert learner.end == [0]
    learner.loaded = replace(learner.loaded, ends=())
    assert learner.end == []


def test_a_copy_under_another_prompt_has_that_prompts_log_probabilities(learner: Learner) -> None:
    def select(candidates: Candidates) -> Selection:
        if candidates.round == 0:
            return Selection(wishes=(Wish(0, prompt="the cat", copy=2),))
        return keep_all(candidates)

    made = stepped(learner, planted("selection", select))
    ids = made.table.columns["token_ids"]
    assert ids[6] == ids[2]
    logp_NT = made.table.streams["logp"]
    assert not torch.allclose(torch.tensor(logp_NT[6]), torch.tensor(logp_NT[2]))
    assert made.metrics["mismatch"] < 1e-4


def test_sampling_goes_on_from_a_prefix(learner: Learner) -> None:
    def select(candidates: Candidates) -> Selection:
        long = int(candidates.rollouts.mask_NT.sum(dim=1).argmax())
        if candidates.round == 0:
            group = int(candidates.rollouts.group_N[long])
            return Selection(wishes=(Wish(group, copy=long, keep=3),))
        return keep_all(candidates)

    made = stepped(learner, planted("selection", select))
    ids, lengths = made.table.columns["token_ids"], made.table.columns["length"]
    long = max(range(6), key=lambda n: lengths[n])
    assert ids[6][:3] == ids[long][:3]
    assert len(ids[6]) > 3
    assert made.metrics["mismatch"] < 1e-4


def test_tokens_without_weight_are_not_learned_from_and_the_others_weigh_more(learner: Learner) -> None:
    def select(credited: Candidates) -> Selection:
        weight_NT = torch.zeros(credited.rollouts.mask_NT.shape)
        weight_NT[:, 0] = 1.0
        return Selection(torch.ones(len(credited.reward_N)), weight_NT)

    made = stepped(learner, planted("selection", select))
    learned_NT = made.table.streams["learned"]
    assert learned_NT[:, 0].all()
    assert not learned_NT[:, 1:].any()


def test_nothing_selected_is_said_and_nothing_changes(learner: Learner) -> None:
    before = {name: weight.clone() for name, weight in learner.policy.model.named_parameters()}
    part = planted("selection", lambda candidates: Selection(torch.zeros(len(candidates.reward_N))))
    made = stepped(learner, part)
    assert "nothing was selected" in made.troubles[0].data["what"]
    assert all(torch.equal(weight, before[name]) for name, weight in learner.policy.model.named_parameters())


def test_wishes_without_end_are_stopped(learner: Learner) -> None:
    part = planted("selection", lambda candidates: Selection(wishes=(Wish(0, text="the"),)))
    with pytest.raises(RunError, match="still wished for completions after 16 rounds"):
        stepped(learner, part)


@pytest.mark.parametrize("kind", ["new", "sampled", "on"])
def test_no_two_rounds_of_a_step_throw_the_same_dice(learner: Learner, kind: str) -> None:
    """Two selections that wish for the same twice each: four times other completions, and other new prompts."""
    wish = {"new": Wish(), "sampled": Wish(0), "on": Wish(0, copy=0, keep=0)}[kind]

    def select(candidates: Candidates) -> Selection:
        return Selection(wishes=(wish,)) if candidates.round < 2 else keep_all(candidates)

    columns = stepped(learner, planted("selection", select), planted("selection", select)).table.columns
    each = 3 if kind == "new" else 1
    rounds = [slice(start, start + each) for start in range(6, 6 + 4 * each, each)]
    assert len({str(columns["token_ids"][rows]) for rows in rounds}) == 4
    assert len({columns["prompt"][rows][0] for rows in rounds}) == (4 if kind == "new" else 1)


@pytest.mark.parametrize("wishes", [0, 1, 2])
def test_shaping_remembers_a_step_once_however_many_rounds_were_wished_for(learner: Learner, wishes: int) -> None:
    """Also in the first step, before which there was no memory to go back to."""
    seen: list[int] = []

    def shape(value_NK: Tensor, memory: dict[str, Tensor]) -> Shaped:
        seen.append(int(memory.get("steps", torch.tensor(0))))
        return Shaped(value_NK, {"steps": torch.tensor(seen[-1] + 1)})

    def select(candidates: Candidates) -> Selection:
        return Selection(wishes=(Wish(0),)) if candidates.round < wishes else keep_all(candidates)

    learner.recipe = replace(learner.recipe, shaping=(planted("shaping", shape),))
    for step in (1, 2):
        stepped(learner, planted("selection", select), step=step)
        assert int(learner.supply.memories["shaping/planted"]["steps"]) == step
    assert seen == [0] * (wishes + 1) + [1] * (wishes + 1)
