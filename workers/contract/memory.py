"""How much memory a run will take, from the sizes of its model: for the form before a run, and checked after a step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.contract.spec import RunSpec

NUMBER = 4  # bytes: weights are held in float32, whatever the network computes in
CHUNK_NUMBERS = 2**25  # logits at once, see `engine/policy.py`
# What a layer keeps of each token for the way back, found by counting the tensors of a Llama block: in hidden sizes
# (two norms, queries, keys, values, attention, its output, two residuals) and in inner sizes (gate, its
# activation, up, their product).
KEPT_HIDDEN, KEPT_INNER = 10, 4
KEPT_LOGITS = 4  # logits, their logarithms, and the gradients of both


@dataclass(frozen=True)
class Sizes:
    """A decoder's sizes; `keys` is the size of all keys of a token in one layer."""

    layers: int
    hidden: int
    inner: int
    keys: int
    heads: int
    vocabulary: int
    tied: bool

    @property
    def parameters(self) -> int:
        """Weights, up to norms and biases."""
        layer = 2 * self.hidden * self.hidden + 2 * self.hidden * self.keys + 3 * self.hidden * self.inner
        return self.layers * layer + (1 if self.tied else 2) * self.vocabulary * self.hidden

    def adapter(self, rank: int) -> int:
        """Weights of an adapter on every linear layer but the output."""
        ends = 4 * self.hidden + 2 * (self.hidden + self.keys) + 3 * (self.hidden + self.inner)
        return self.layers * rank * ends


def sizes_of(config: Mapping[str, Any]) -> Sizes:
    """Sizes from a model's `config.json`; KeyError when it is of a kind that names them otherwise."""

    def first(*names: str) -> int:
        found = [int(config[name]) for name in names if config.get(name)]
        if not found:
            raise KeyError(names[0])
        return found[0]

    hidden, heads = first("hidden_size", "n_embd"), first("num_attention_heads", "n_head")
    head = int(config.get("head_dim") or hidden // heads)
    return Sizes(
        first("num_hidden_layers", "n_layer"),
        hidden,
        first("intermediate_size", "n_inner")
        if config.get("intermediate_size") or config.get("n_inner")
        else 4 * hidden,
        head * int(config.get("num_key_value_heads") or heads),
        heads,
        first("vocab_size"),
        bool(config.get("tie_word_embeddings", True)),
    )


def estimate(sizes: Sizes, spec: RunSpec, prompt: int, *, references: int = 0, critics: int = 0) -> dict[str, int]:
    """Bytes on one device by what they are for; `prompt` is the length of the longest one in tokens. `total` is what
    stays plus the larger of sampling and learning, which take turns. With an adapter the model is its own reference;
    where weights are split they are whole while completions are sampled."""
    weights = NUMBER * sizes.parameters
    learned = weights if spec.lora is None else NUMBER * sizes.adapter(spec.lora.rank)
    split = spec.devices if spec.sharded else 1
    groups = spec.optimiser.micro_groups or -(-spec.batch_prompts // spec.devices)
    rows = -(-spec.batch_prompts // spec.devices) * spec.siblings
    length = prompt + spec.max_new_tokens
    tokens = groups * (prompt + spec.siblings * spec.max_new_tokens)
    layer = KEPT_HIDDEN * sizes.hidden + KEPT_INNER * sizes.inner
    # Layers that are run again keep their inputs, and one of them at a time keeps everything.
    kept = tokens * (sizes.layers * sizes.hidden + layer if spec.optimiser.recompute else sizes.layers * layer)
    logits = min(CHUNK_NUMBERS, groups * spec.siblings * spec.max_new_tokens * sizes.vocabulary)
    seen = groups * spec.siblings * sizes.heads * spec.max_new_tokens * length
    found = {
        "weights": weights,
        "gradients": learned // split,
        "optimiser": 2 * learned // split,
        "references": references * weights if spec.lora is None else 0,
        "critics": critics * 4 * weights,
        "sampling": NUMBER * (2 * rows * length * sizes.layers * sizes.keys + 3 * rows * sizes.vocabulary),
        "learning": NUMBER * (kept + KEPT_LOGITS * logits + seen),
    }
    stays = sum(found[name] for name in ("weights", "gradients", "optimiser", "references", "critics"))
    return {**found, "total": stays + max(found["sampling"], found["learning"])}
