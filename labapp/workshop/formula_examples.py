"""Formulas to start from, each with numbers that a reader can follow by hand."""

from dataclasses import dataclass

from workers.contract.formula.words import CREDIT, OBJECTIVE


@dataclass(frozen=True)
class Example:
    """A formula with what it says in words, and `worked`: the numbers of one group or completion, by name.

    Rows of `worked` are given values first and, last, what the formula makes of them, rounded to three digits.
    """

    slug: str
    kind: str
    title: str
    words: str
    text: str
    worked: tuple[tuple[str, tuple[float, ...]], ...]
    worked_words: str


EXAMPLES = (
    Example(
        "group-relative",
        CREDIT,
        "Against the group (GRPO)",
        "Each completion's reward against the mean of its siblings, in units of their deviation. "
        "Groups of equal rewards get 0.",
        "(r - mean(r, group)) / (std(r, group) + 1e-6)",
        (("r", (1, 0, 0, 1)), ("A", (0.866, -0.866, -0.866, 0.866))),
        "Four completions of one prompt; every token of a completion gets its number.",
    ),
    Example(
        "critic",
        CREDIT,
        "Against a critic (GAE)",
        "How much better each token made things than the critic had thought, passed back with 0.95 a token. "
        "The line target is what the critic learns.",
        "surprise = r_token + next(value) - value\n"
        "advantage = after(surprise, 0.95)\n"
        "target = advantage + value\n"
        "advantage",
        (("r_token", (0, 0, 1)), ("value", (0.2, 0.5, 0.6)), ("A", (0.756, 0.48, 0.4))),
        "The three tokens of one completion.",
    ),
    Example(
        "clipped",
        OBJECTIVE,
        "Clipped surrogate (PPO)",
        "The ratio times the advantage, without reward for leaving 0.8 to 1.2. This is a loss: it goes down.",
        "-min(ratio * A, clip(ratio, 1 - 0.2, 1 + 0.2) * A)",
        (("ratio", (1, 1.5, 0.5, 0.5)), ("A", (1, 1, 1, -1)), ("loss", (-1, -1.2, -0.5, 0.8))),
        "Four tokens.",
    ),
    Example(
        "near-reference",
        OBJECTIVE,
        "Policy gradient held near the reference",
        "The ratio times the advantage, and 0.05 of an estimate of the KL divergence from the reference policy.",
        "gap = ref_logp - logp\n-ratio * A + 0.05 * (exp(gap) - gap - 1)",
        (
            ("ratio", (1, 1, 1)), ("A", (1, 1, -1)), ("logp", (-1, -1, -2)), ("ref_logp", (-1, -2, -1)),
            ("loss", (-1, -0.982, 1.036)),
        ),
        "Three tokens, the policy being what it was when it sampled them.",
    ),
)  # fmt: skip
START = {CREDIT: EXAMPLES[0], OBJECTIVE: EXAMPLES[2]}  # what stands in a new formula


def examples_for(kind: str) -> list[Example]:
    """The examples of a kind, that to start from first."""
    return [one for one in EXAMPLES if one.kind == kind]
