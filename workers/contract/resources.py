"""What a run may use besides its recipe: a server that samples in its place, an adapter that learns in its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from workers.contract.addresses import KEY_PREFIX, is_address, is_key
from workers.contract.errors import Trouble


@dataclass(frozen=True)
class Served:
    """An OpenAI-compatible server of completions (vLLM and the like), for evaluation and offline collection.

    `url` is its base, as clients take it (`http://host:8000/v1`); `model` the name by which it knows the model;
    `key_variable` names the worker's environment variable that holds the key (empty: none is sent); `timeout` is the
    longest wait for one answer, seconds.
    """

    url: str = ""
    model: str = ""
    key_variable: str = ""
    timeout: float = 120.0


@dataclass(frozen=True)
class Lora:
    """Low-rank matrices that learn while the model's own weights stay (Hu et al., 2021): their `rank`; `alpha`, their
    sum being scaled by alpha / rank; `targets`, the endings of the names of the linear layers that have them, apart by
    commas (empty: all but the output). There is no dropout: sampling and training must see one policy."""

    rank: int = 16
    alpha: int = 32
    targets: str = ""

    def layers(self) -> list[str]:
        """The endings of the layers' names; none for all."""
        return [name.strip() for name in self.targets.split(",") if name.strip()]


def lora_troubles(lora: Lora | None) -> Iterator[Trouble]:
    """What is wrong with an adapter before the model is known."""
    if lora is None:
        return
    if lora.rank < 1:
        yield Trouble("lora.rank", f"must be at least 1, not {lora.rank}", {"lora.rank": 1})
    if lora.alpha < 1:
        yield Trouble("lora.alpha", f"must be at least 1, not {lora.alpha}", {"lora.alpha": 2 * max(1, lora.rank)})


def served_troubles(served: Served | None) -> Iterator[Trouble]:
    """What is wrong with the server of a spec, as far as one can see without asking it."""
    if served is None:
        return
    if not is_address(served.url):
        yield Trouble("served.url", f"is a server's base such as http://host:8000/v1, not {served.url!r:.80}")
    if not served.model:
        yield Trouble("served.model", "is the name by which the server knows its model, and may not be empty")
    if served.key_variable and not is_key(served.key_variable):
        what = f"names a variable {KEY_PREFIX}… of the worker's environment, not {served.key_variable!r:.60}"
        yield Trouble("served.key_variable", what)
    if not (isfinite(served.timeout) and served.timeout > 0):
        yield Trouble(
            "served.timeout", f"must be more than 0 and finite, not {served.timeout}", {"served.timeout": 120.0}
        )
