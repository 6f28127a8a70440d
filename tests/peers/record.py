"""Ask TRL's own losses about the batches of `batches.py`, and compare with what was recorded, or record it anew.

    .venv-peers/bin/python -m tests.peers.record [--write]

It runs where TRL is installed (`make peers`); the tests beside it read the files and need no TRL.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trl
from torch import Tensor

from tests.peers import trl_credit, trl_losses
from tests.peers.batches import policy_batch, preference_batch
from tests.peers.recordings import FOLDER, differences, plain, read

# TRL weighs its penalty by the ratio unless told not to; Merit's penalty is the plain one.
PLAIN_KL = {"use_bias_correction_kl": False}
# By the names under which the tests look for them: TRL's settings, and whether the policy is the one that sampled.
POLICY: dict[str, tuple[dict[str, Any], bool]] = {
    "grpo": ({"loss_type": "grpo", "beta": 0.0}, False),
    "grpo_on_policy": ({"loss_type": "grpo", "beta": 0.0}, True),
    "grpo_kl": ({"loss_type": "grpo", "beta": 0.04, **PLAIN_KL}, False),
    "dr_grpo": ({"loss_type": "dr_grpo", "beta": 0.0}, False),
    "dapo": ({"loss_type": "dapo", "beta": 0.0, "epsilon": 0.2, "epsilon_high": 0.28}, False),
    "dapo_kl": ({"loss_type": "dapo", "beta": 0.1, "epsilon": 0.2, "epsilon_high": 0.28, **PLAIN_KL}, False),
    "gspo": (
        {
            "loss_type": "grpo",
            "importance_sampling_level": "sequence",
            "beta": 0.0,
            "epsilon": 0.1,
            "epsilon_high": 0.3,
        },
        False,
    ),
    "cispo": ({"loss_type": "cispo", "beta": 0.0, "epsilon_high": 1.5}, False),
}
RLOO: dict[str, tuple[dict[str, Any], bool]] = {
    "rloo": ({"beta": 0.0, "epsilon": 0.2}, False),
    "rloo_on_policy": ({"beta": 0.0, "epsilon": 0.2}, True),
}
PAIRS: dict[str, dict[str, Any]] = {
    "dpo": {"loss_type": ["sigmoid"], "beta": 0.1},
    "dpo_strong": {"loss_type": ["sigmoid"], "beta": 0.7},
    "ipo": {"loss_type": ["ipo"], "beta": 0.1},
}
UNPAIRED: dict[str, dict[str, Any]] = {
    "kto": {"loss_type": "kto", "beta": 0.1},
    "kto_weighted": {"loss_type": "kto", "beta": 0.3, "desirable_weight": 1.2, "undesirable_weight": 0.8},
}


def main() -> None:
    """Say where the files differ from what TRL says and exit with 1, or with `--write` write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    wrong = []
    for name, document in _documents().items():
        if write:
            (FOLDER / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
        wrong += [f"{name}{place}" for place in differences(read(name), document)]
    print("\n".join([*wrong, f"{len(wrong)} differences from what was recorded"]))
    sys.exit(bool(wrong))


def _documents() -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="merit-peers-") as made:
        folder = Path(made)
        policy = {
            name: _case(trl_losses.policy_loss, folder, settings, on_policy=on_policy)
            for name, (settings, on_policy) in POLICY.items()
        }
        policy |= {
            name: _case(trl_losses.rloo_loss, folder, settings, on_policy=on_policy)
            for name, (settings, on_policy) in RLOO.items()
        }
        pairs = {name: _case(trl_losses.pair_loss, folder, settings) for name, settings in PAIRS.items()}
        unpaired = {name: _case(trl_losses.unpaired_loss, folder, settings) for name, settings in UNPAIRED.items()}
        return {
            "policy": _document(policy_batch(), policy),
            "preferences": _document(preference_batch(), pairs | unpaired),
            "credit": _document({}, trl_credit.cases(folder)),
        }


def _case(driver: Callable[..., dict[str, Any]], folder: Path, settings: dict[str, Any], **how: bool) -> dict[str, Any]:
    return {"settings": settings, **how, **_numbers(driver(folder, settings, **how))}


def _document(inputs: dict[str, Tensor], cases: dict[str, Any]) -> dict[str, Any]:
    return {"peer": f"trl {trl.__version__}", "inputs": _numbers(inputs), "cases": cases}


def _numbers(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(tensor) for name, tensor in tensors.items()}


if __name__ == "__main__":
    main()
