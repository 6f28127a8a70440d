"""Every word that a formula may use, each with a sentence: the page of names is made from these tables."""

from dataclasses import dataclass

from workers.contract.formula.nodes import Shape

CREDIT, OBJECTIVE = "credit", "objectives"
BOTH = (CREDIT, OBJECTIVE)
OWN = "formula"  # the name of a part that stands for its text and nothing else


@dataclass(frozen=True)
class Stream:
    """A named quantity: its shape, the kinds of part that have it, how it is written in LaTeX, words, what it needs
    beyond what is always there, and whether in an objective it moves with the policy."""

    shape: Shape
    kinds: tuple[str, ...]
    latex: str
    words: str
    needs: tuple[str, ...] = ()
    moves: bool = False


@dataclass(frozen=True)
class Function:
    """A function of so many values, words, and whether a discount (a number from 0 to 1) may stand last."""

    arguments: int
    words: str
    discount: bool = False


NAMES: dict[str, Stream] = {
    "r": Stream(Shape.COMPLETION, BOTH, "r", "reward of the completion: the weighted sum of all rewards"),
    "r_token": Stream(Shape.TOKEN, (CREDIT,), "r_t", "reward that stands on the token; an outcome stands on the last"),
    "A": Stream(Shape.TOKEN, (OBJECTIVE,), "A", "advantage of the token, without gradient"),
    "ratio": Stream(
        Shape.TOKEN,
        (OBJECTIVE,),
        r"\rho",
        "probability now over that when it was sampled (log-ratio at most 20)",
        moves=True,
    ),
    "logp": Stream(
        Shape.TOKEN, BOTH, r"\log\pi", "log-probability of the token now, nats; in credit: when sampled", moves=True
    ),
    "old_logp": Stream(
        Shape.TOKEN, (OBJECTIVE,), r"\log\pi_{\mathrm{old}}", "log-probability when it was sampled, nats"
    ),
    "ref_logp": Stream(
        Shape.TOKEN,
        BOTH,
        r"\log\pi_{\mathrm{ref}}",
        "log-probability under the reference policy, nats",
        ("ref_logp_NT",),
    ),
    "entropy": Stream(
        Shape.TOKEN, BOTH, "H", "entropy of the next-token distribution, nats; in credit: when sampled", moves=True
    ),
    "value": Stream(Shape.TOKEN, (CREDIT,), "V", "the critic's value of the state before the token", ("value_NT",)),
    "length": Stream(Shape.COMPLETION, BOTH, "T", "chosen tokens of the completion, at least 1"),
    "position": Stream(Shape.TOKEN, BOTH, "t", "place of the token among the chosen ones, from 0"),
    "mask": Stream(Shape.TOKEN, BOTH, "m", "1 on every chosen token; of others a formula sees nothing"),
    "finished": Stream(Shape.COMPLETION, (CREDIT,), "f", "1 where the completion came to its end, else 0"),
    "cut_off": Stream(Shape.COMPLETION, (CREDIT,), "c", "1 where the completion reached the length limit, else 0"),
    "progress": Stream(Shape.NUMBER, BOTH, "p", "share of the run that is done, 0 at its first step", ("progress",)),
}

FUNCTIONS: dict[str, Function] = {
    "exp": Function(1, "e to the power of x"),
    "log": Function(1, "natural logarithm of x"),
    "sqrt": Function(1, "square root of x"),
    "abs": Function(1, "x without its sign"),
    "sign": Function(1, "-1, 0 or 1, as x is below, at or above 0"),
    "sigmoid": Function(1, "1 / (1 + exp(-x))"),
    "softplus": Function(1, "log(1 + exp(x)), which no large x overflows"),
    "tanh": Function(1, "hyperbolic tangent of x"),
    "clip": Function(3, "x held between low and high: clip(x, low, high)"),
    "min": Function(2, "the smaller of two values; with a scope a reduction"),
    "max": Function(2, "the larger of two values; with a scope a reduction"),
    "where": Function(3, "the second value where the first is not 0, else the third"),
    "stop": Function(1, "x without gradient"),
    "before": Function(1, "sum of x over the completion's tokens up to and with this one", discount=True),
    "after": Function(1, "sum of x over the completion's tokens from this one on; after(x, 0.9) discounts", True),
    "next": Function(1, "x at the completion's next chosen token; 0 at its last"),
}

REDUCTIONS: dict[str, str] = {
    "mean": "mean over the scope",
    "std": "sample deviation (n - 1) over the scope; exactly 0 where all values are the same",
    "sum": "sum over the scope",
    "min": "smallest over the scope",
    "max": "largest over the scope",
    "count": "how many values the scope has, at least 1",
    "median": "the middle value, or the mean of the two middle ones",
    "rank": "place of x in the scope's order, from 1 for the smallest; equal values share the mean of their places",
}

SCOPES: dict[str, str] = {
    "group": "all completions of the same prompt (of their tokens, where x has one value a token)",
    "batch": "all completions of the step; in credit only, for an objective sees the batch in parts",
    "completion": "all tokens of the completion; x must have one value a token",
}


def names_for(kind: str) -> dict[str, Stream]:
    """The streams that a formula of this kind may name."""
    return {name: stream for name, stream in NAMES.items() if kind in stream.kinds}
