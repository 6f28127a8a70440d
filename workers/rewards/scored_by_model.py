"""A reward model by name scores prompt and completion: a network with one output, kept in memory and read in batches.

Pick it where preferences were already learned into such a model. Its scores have no scale of their own: normalise them
(credit by groups does), or shape them. A text that is longer than the model takes has failed. What a run of the lab
learned (`run:<number>`) is a language model and no reward model: it is refused with the weights that it lacks.

No exhibit: reward models are too large for a small run, and one for the small tasks would only repeat their verifier.
"""

from typing import Annotated

from workers.contract.answers import Answers
from workers.contract.card import Card, Source, Text
from workers.contract.services import RewardModel
from workers.contract.services import Text as Written

CARD = Card(
    title="Scored by a reward model",
    formula=r"r_i = R_\phi(x_i, y_i)",
    source=Source(
        "Ouyang et al., 2022", "arXiv:2203.02155", "section 3.5, reward modeling", "https://arxiv.org/abs/2203.02155"
    ),
    symbols={"x_i": "prompt", "y_i": "completion", r"R_\phi": "the reward model"},
    relatives=("rewards/judge", "rewards/remote", "rewards/flr"),
    bounds=(-1e9, 1e9),
)


def reward(
    answers: Answers,
    reward_model: RewardModel,
    *,
    name: Annotated[
        str, Text(400, model=True), "Hugging Face id or directory of the model"
    ] = "Skywork/Skywork-Reward-V2-Qwen3-0.6B",
    template: Annotated[
        str, Text(2000, empty=True), "{prompt} and {completion} as the model reads them; empty: its chat template"
    ] = "",
) -> list[float | None]:
    """One score a completion, of any size. ValueError for a text that is longer than the model takes."""
    rows = zip(answers.prompts, answers.texts, strict=True)
    if template:
        # Not str.format: braces of a completion or of the template's own stay what they are.
        before, mark, after = template.partition("{completion}")
        if not mark:
            raise ValueError("the template needs {completion} where the completion stands")
        texts = [
            Written(before.replace("{prompt}", prompt), text + after.replace("{prompt}", prompt))
            for prompt, text in rows
        ]
    else:
        texts = [Written("", text, (("user", prompt),)) for prompt, text in rows]
    return list(reward_model(name, texts)) if texts else []
