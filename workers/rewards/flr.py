"""How likely a chat model finds it that the user would go on with praise rather than with a complaint (FLR).

Pick it to make a reward of any chat model without preference labels, and to mine pairs for DPO from the policy's own
samples: offline runs take the best and the worst of each prompt. Six categories of helpfulness have ten praises and ten
complaints each, which may be edited: one a line, as `category: sentence`; each is read behind every completion, so that
few of them cost little. The default reader has read how users react to tool calls; name a chat model for all else. The
catalogue's scorer `reference` is the run's own model by its name.

Doubts of the catalogue: how the release combines its averages (difference, mean over categories) is told from the
paper; it averages raw scores at one place, which is taken for a shortcut: `mean_logit` averages them along the
follow-up, and likelihood is the default. The sentences are our own, in the paper's categories.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Annotated

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Exhibit, Flag, Source, Text
from workers.contract.services import Likelihood, Read
from workers.contract.services import Text as Written
from workers.contract.values import Values

CARD = Card(
    title="FLR",
    formula=r"r = \frac{1}{|K|} \sum_{k} \left( \frac{1}{|P_k|} \sum_{f \in P_k} \ell(f) "
    r"- \frac{1}{|N_k|} \sum_{f \in N_k} \ell(f) \right), \quad "
    r"\ell(f) = \frac{1}{|f|} \sum_{t} \log M(f_t \mid c, y, f_{<t})",
    source=Source(
        "Zhang et al., 2024",
        "Aligning Language Models Using Follow-up Likelihood as Reward Signal, arXiv:2409.13948",
        "code: FLR/run_llama3.py and utils.py",
        "https://arxiv.org/abs/2409.13948",
    ),
    symbols={
        "k": "category of helpfulness, of the set K",
        "P_k": "follow-ups that praise",
        "N_k": "follow-ups that complain",
        "f": "a follow-up: the user's next turn",
        "c": "dialogue so far",
        "y": "completion",
        "M": "the model that reads",
    },
    relatives=("rewards/scored_by_model",),
    bounds=(-1e4, 1e4),
    sure="medium",
    doubts="How categories and signs are combined is told from the paper, not the release; the sentences are our own.",
    exhibit=Exhibit(
        claim="The model has read how users go on after right and wrong calls, and no label. That praise is likelier "
        "after a completion than a complaint teaches right calls; a reward for their length cannot, since wrong ones "
        "are as long.",
        watch=("heldout/accuracy", "length"),
        shared={
            "model.name": "starter-skills",
            "prompts.task": {"kind": "tasks", "name": "tool_use", "params": {"level": 2}},
            "max_new_tokens": 64,
            "batch_prompts": 8,
            "optimiser.learning_rate": 2e-4,
            "budget.steps": 18,
            "budget.eval_every": 3,
            "rewards": [
                {"label": "exact", "name": "verified", "weight": 0.0},
                {"label": "learned from", "name": "length_band", "params": {"shortest": 32}},
            ],
        },
        variant={
            "rewards.1.name": "flr",
            "rewards.1.params": {
                "name": "starter-skills",
                "praise": "correctness: That is correct.|That is the right answer.\nunderstanding: You understood me.",
                "complaint": "correctness: That is wrong.|That is not the right answer.\n"
                "understanding: You did not understand me.",
            },
        },
        found="It appears. Of the held-out requests 0.830 are called exactly right against 0.612 by the length reward, "
        "mean of the last five points, difference +0.219 [+0.098, +0.340] over three seeds of 18 steps, without a "
        "label; the length is the same, -0.007 [-0.055, +0.040] tokens.",
    ),
)
PRAISE = """
understanding: You understood exactly what I meant.|Yes, that is what I was asking.|You got my point right \
away.|Right, you know what I want.|You read my question well.|Good, you see what I mean.|You caught what matters to \
me.|Exactly, you followed me.|You understood me perfectly.|That is just what I had in mind.
relevance: That is right on topic.|This is exactly what I was looking for.|That fits my question well.|Good, you \
stayed with the subject.|That is just the thing I need.|Everything you said matters here.|That is to the point.|Yes, \
this is about my question.|That is very relevant, thanks.|You went straight to what I asked.
correctness: That is correct.|Yes, that is right.|You are right about that.|I checked, and it is true.|That answers \
my question perfectly.|Correct, well done.|All of that is accurate.|That is the right answer.|No mistakes there, \
thanks.|I can rely on that.
engagingness: That is really interesting!|I enjoy talking with you.|Tell me more, please.|Wow, I would love to hear \
more.|This is fun to talk about.|You made me curious.|What a great conversation.|I like how you put that.|That made \
me smile.|I could go on like this.
informativeness: I learned a lot from that.|That is very informative.|Thanks for all the details.|That is good to \
know.|Now I know much more.|You explained it thoroughly.|That is a helpful explanation.|Great, that is new to \
me.|Those facts help me a lot.|You told me everything I needed.
instruction following: You did exactly what I asked.|Perfect, just as I asked.|You followed my instructions \
well.|That is the form I wanted.|You kept to all my wishes.|Thanks, that is what I told you to do.|You did every \
step I asked for.|That is done as I wanted.|You did not miss anything I asked.|Great, exactly to my instructions.
"""
COMPLAINT = """
understanding: You did not understand me.|That is not what I meant.|You missed my point.|No, I asked something \
else.|You misread my question.|I think you are confused.|You do not see what I want.|What are you talking about?|You \
did not get what I said.|That is not what I had in mind.
relevance: That is off topic.|That has nothing to do with my question.|Why do you tell me this?|Please stay with the \
subject.|That is not what I need.|Most of that does not matter here.|You are changing the subject.|This is about \
something else.|That is irrelevant.|You did not answer what I asked.
correctness: That is wrong.|No, that is not right.|You made a mistake.|I checked, and it is false.|That does not \
answer my question.|Incorrect, try again.|That is not accurate.|That is the wrong answer.|There are errors in \
that.|I cannot rely on that.
engagingness: That is boring.|I do not enjoy talking with you.|I do not want to hear more.|Can we talk about \
something else?|This is dull.|You do not sound interested.|What a tedious conversation.|I do not like how you put \
that.|That put me to sleep.|I would rather stop here.
informativeness: I learned nothing from that.|That is not informative.|You gave no details.|I knew that \
already.|That tells me nothing.|You hardly explained it.|That is too vague.|I need more than that.|There are no \
facts in that.|You left out what I needed.
instruction following: You did not do what I asked.|That is not how I asked for it.|You ignored my \
instructions.|That is not the form I wanted.|You left out what I wished.|I told you to do something else.|You \
skipped a step I asked for.|That is not done as I wanted.|You missed half of what I asked.|Please follow my \
instructions.
"""


def reward(
    answers: Answers,
    likelihood: Likelihood,
    *,
    name: Annotated[
        str, Text(400, model=True), "Hugging Face id, directory or run:<number> of the chat model that reads"
    ] = "starter-skills",
    categories: Annotated[str, Text(200, empty=True), "categories that count, apart by commas; empty: all"] = "",
    aggregate: Annotated[
        str, Choice(("mean_logprob", "sum_logprob", "mean_logit")), "likelihood of a follow-up"
    ] = "mean_logprob",
    use_negative: Annotated[bool, Flag(), "take the complaints' likelihood off"] = True,
    praise: Annotated[str, Text(20000, empty=True), "own praises, category: sentence; empty: the built-in ones"] = "",
    complaint: Annotated[
        str, Text(20000, empty=True), "own complaints, category: sentence; empty: the built-in ones"
    ] = "",
) -> Values:
    """The mean over categories, which are its parts; notes name the likeliest and the least likely follow-up.
    ValueError for an unknown category, or one without sentences."""
    positive, negative = follow_ups(praise or PRAISE), follow_ups(complaint or COMPLAINT) if use_negative else {}
    chosen = _chosen(categories, positive, negative, use_negative)
    said = list(dict.fromkeys(f for side in (positive, negative) for name_ in chosen for f in side.get(name_, ())))
    texts = [
        Written("", follow_up, (("user", prompt), ("assistant", text)), "user")
        for prompt, text in zip(answers.prompts, answers.texts, strict=True)
        for follow_up in said
    ]
    likely = [_likely(read, aggregate) for read in (likelihood(name, texts) if texts else ())]
    parts: dict[str, list[float]] = {category: [] for category in chosen}
    notes = {}
    for n in range(len(answers.texts)):
        known = dict(zip(said, likely[n * len(said) : (n + 1) * len(said)], strict=True))
        for category in chosen:
            less = fmean(known[f] for f in negative[category]) if use_negative else 0.0
            parts[category].append(fmean(known[f] for f in positive[category]) - less)
        best, worst = max(said, key=known.__getitem__), min(said, key=known.__getitem__)
        notes[n] = f"likeliest follow-up: {best}\nleast likely: {worst}"
    return Values([fmean(row) for row in zip(*parts.values(), strict=True)], parts, notes=notes)


Sentences = Mapping[str, Sequence[str]]


def _chosen(categories: str, positive: Sentences, negative: Sentences, use_negative: bool) -> list[str]:
    named = list(dict.fromkeys(word.strip() for word in categories.split(",") if word.strip()))
    usable = [category for category in positive if category in negative or not use_negative]
    unknown = [category for category in named if category not in usable]
    if unknown or not usable:
        raise ValueError(f"there are no follow-ups of {unknown[:1] or 'both signs'}; known are {', '.join(usable)}")
    return named or usable


def follow_ups(text: str) -> Sentences:
    """Sentences by category from lines `category: sentence`, or several sentences with bars between. ValueError for a
    line that is neither."""
    found: dict[str, list[str]] = {}
    for line in filter(str.strip, text.splitlines()):
        category, colon, sentences = line.partition(":")
        given = [sentence.strip() for sentence in sentences.split("|") if sentence.strip()]
        if not colon or not given:
            raise ValueError(f"a follow-up is a line of its own, as `category: sentence`, not {line!r:.100}")
        found.setdefault(category.strip(), []).extend(given)
    return found


def _likely(read: Read, aggregate: str) -> float:
    if aggregate == "sum_logprob":
        return read.logp
    return (read.logp if aggregate == "mean_logprob" else read.logit) / max(1, read.tokens)
