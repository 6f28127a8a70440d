"""A process with little memory: `python -m tests.workers.engine.short_of_memory FOLDER SHARE`.

It finds by one update without a limit how much address space the forward pass of all groups and of half of them take,
allows itself SHARE of the way from nothing (0) over half of them (1) to all (2), trains, and prints what was told.
"""

import gc
import json
import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tests.workers.tiny import MemoryLedger, make_tokenizer, tiny_spec
from workers.contract.errors import RunError
from workers.contract.spec import Budget, Model, Pick, RewardPick, RunSpec
from workers.engine.run import train

PAGE = resource.getpagesize()


def spec_of(folder: Path) -> RunSpec:
    """Four groups of twelve completions, each with far more activations than weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    place = folder / "large"
    if not place.exists():
        torch.manual_seed(0)
        tokenizer = make_tokenizer()
        sizes: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 1024, "num_hidden_layers": 6}
        config = LlamaConfig(vocab_size=len(tokenizer), num_attention_heads=4, tie_word_embeddings=True, **sizes)
        LlamaForCausalLM(config).save_pretrained(place)
        tokenizer.save_pretrained(place)
    low = RewardPick("low", "format", {"pattern": "[a-h]", "match": "anywhere"})
    return tiny_spec(
        folder, model=Model(str(place)), rewards=(low,), credit=Pick("credit", "rloo"), siblings=12, batch_prompts=4,
        max_new_tokens=48, regularisers=(), budget=Budget(steps=2, eval_every=0, checkpoint_every=0),
    )  # fmt: skip


def address_space() -> int:
    """Bytes that this process has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * PAGE


def at_the_turn(spec: RunSpec, folder: Path) -> int:
    """The address space in use where the first way back begins: all activations are there."""
    found: list[int] = []
    sound = torch.autograd.backward
    gc.collect()

    def backward(*given: Any, **more: Any) -> None:
        found.append(address_space())
        sound(*given, **more)

    torch.autograd.backward = backward
    try:
        train(spec, MemoryLedger(folder))
    finally:
        torch.autograd.backward = sound
    return max(found)


def main() -> None:
    """See the top."""
    folder, share = Path(sys.argv[1]), float(sys.argv[2])
    spec = spec_of(folder)
    one = replace(spec.optimiser, micro_groups=1)
    at_the_turn(replace(spec, optimiser=one), folder / "first")  # whatever libraries map once and keep
    half = at_the_turn(replace(spec, optimiser=replace(spec.optimiser, micro_groups=2)), folder / "half")
    both = at_the_turn(spec, folder / "all")
    limit = int(half + (share - 1) * (both - half))
    gc.collect()
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    ledger = MemoryLedger(folder / "short")
    said: dict[str, Any] = {"half": half, "both": both}
    try:
        train(spec, ledger)
    except RunError as error:
        said["error"] = {"where": error.where, "what": error.what, "mend": error.mend, "evidence": error.evidence}
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    whole = MemoryLedger(folder / "whole")
    train(spec, whole)
    troubles = [{"step": event.step, **event.data} for event in ledger.kind("trouble")]
    said["memory"] = {k: v for k, v in whole.kind("metrics")[-1].data["values"].items() if k.startswith("memory/")}
    print(json.dumps({**said, "troubles": troubles, "short": ledger.curves(), "whole": whole.curves()}))


if __name__ == "__main__":
    main()
