"""Every word that a formula may use, each with a sentence: the page of names is made from these tables."""

from dataclasses import dataclass

from workers.contract.formula.nodes import Shape

CREDIT, OBJECTIVE = "credit", "objectives"
BOTH = (CREDIT, OBJECTIVE)


@dataclass(frozen=True)
class Stream:
    """A named quantity: its shape, the kinds of part that have it, what it needs beyond what is always there, how it
    is written in LaTeX, and words."""

    shape: Shape
    kinds: tuple[str, ...]
    latex: str
    words: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """A function of so many values, and words."""

    arguments: int
    words: str


NAMES: dict[str, Stream] = {
    "r": Stream(Shape.COMPLETION, BOTH, "r", "reward of the completion: the weighted sum of all rewards"),
    "A": Stream(Shape.TOKEN, (OBJECTIVE,), "A", "advantage of the token, without gradient"),
    "ratio": Stream(
        Shape.TOKEN, (OBJECTIVE,), r"\rho", "probability now over that when it was sampled (log-ratio at most 20)"
    ),
    "logp": Stream(Shape.TOKEN, BOTH, r"\log\pi", "log-probability of the token now, nats; in credit: when sampled"),
    "old_logp": Stream(Shape.TOKEN, (OBJECTIVE,), r"\log\pi_{old}", "log-probability when it was sampled, nats"),
    "ref_logp": Stream(
        Shape.TOKEN, BOTH, r"\log\pi_{ref}", "log-probability under the reference policy, nats", ("ref_logp_NT",)
    ),
    "entropy": Stream(Shape.TOKEN, BOTH, "H", "entropy of the next-token distribution, nats; in credit: when sampled"),
    "value": Stream(Shape.TOKEN, (CREDIT,), "V", "the critic's value of the state before the token", ("value_NT",)),
    "length": Stream(Shape.COMPLETION, BOTH, "T", "chosen tokens of the completion"),
    "position": Stream(Shape.TOKEN, BOTH, "t", "place of the token among the chosen ones, from 0"),
    "progress": Stream(Shape.NUMBER, BOTH, "p", "share of the run that is done, 0 at its first step", ("progress",)),
}

FUNCTIONS: dict[str, Function] = {
    "exp": Function(1, "e to the power of x"),
    "log": Function(1, "natural logarithm of x"),
    "sqrt": Function(1, "square root of x"),
    "abs": Function(1, "x without its sign"),
    "sigmoid": Function(1, "1 / (1 + exp(-x))"),
    "tanh": Function(1, "hyperbolic tangent of x"),
    "clip": Function(3, "x held between low and high: clip(x, low, high)"),
    "min": Function(2, "the smaller of two values; with a scope a reduction"),
    "max": Function(2, "the larger of two values; with a scope a reduction"),
    "where": Function(3, "the second value where the first is not 0, else the third"),
    "stop": Function(1, "x without gradient"),
    "before": Function(1, "sum of x over the completion's tokens up to and with this one"),
    "after": Function(1, "sum of x over the completion's tokens from this one on"),
}

REDUCTIONS: dict[str, str] = {
    "mean": "mean over the scope",
    "std": "sample deviation (n - 1) over the scope; exactly 0 where all values are the same",
    "sum": "sum over the scope",
    "min": "smallest over the scope",
    "max": "largest over the scope",
}

SCOPES: dict[str, str] = {
    "group": "all completions of the same prompt (of their tokens, where x has one value a token)",
    "batch": "all completions of the step",
    "completion": "all tokens of the completion; x must have one value a token",
}


def names_for(kind: str) -> dict[str, Stream]:
    """The streams that a formula of this kind may name."""
    return {name: stream for name, stream in NAMES.items() if kind in stream.kinds}
