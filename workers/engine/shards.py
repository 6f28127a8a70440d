"""A network whose weights, gradients and optimiser state are split among the processes of a run (FSDP).

While completions are sampled and read the weights are whole in each process, which may then read as often as it likes.
While a gradient is made they are split, and gathered layer by layer: then all processes must read equally often.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, set_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from workers.engine.optimiser import put_back, tensors_of
from workers.engine.ranks import Ranks, reaching
from workers.engine.tensors import Pass, Rollouts

WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def shard(model: PreTrainedModel, ranks: Ranks) -> None:
    """Split the weights of a model that is the same in every process; it is at rest then."""
    mesh = init_device_mesh(model.device.type, (ranks.count,))
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    vars(model)["through"] = MethodType(_through, model)
    for part in (*layers, model):
        fully_shard(part, mesh=mesh)
    register_fsdp_forward_method(model, "through")
    vars(model)["through"](lambda: torch.zeros(()))  # what is entered first becomes the root: not one of the layers
    for entered in _parts(model):
        entered.reshard()


def add_gradients(model: torch.nn.Module, ranks: Ranks) -> None:
    """Let each process have the sum of all gradients: of the weights that it holds where they are split."""
    if not is_sharded(model):
        ranks.add_gradients(list(model.parameters()))
        return
    for weight in model.parameters():
        if weight.grad is not None:
            weight.grad.mul_(ranks.count)  # the way back has taken their mean


def is_sharded(model: torch.nn.Module) -> bool:
    """Whether the weights are split among processes."""
    return isinstance(model, FSDPModule)


def gather(model: torch.nn.Module) -> None:
    """Let every process have all weights, until they are put to rest."""
    with reaching():
        for part in _parts(model):
            part.set_reshard_after_forward(False, recurse=False)
            part.unshard()


@contextmanager
def resting(model: torch.nn.Module) -> Iterator[None]:
    """Each process has its share of the weights alone while the block runs; nothing where they are not split."""
    parts = _parts(model)
    for whole_model in parts[:1]:
        # FSDP gathers ahead by the order of all readings since the last way back, sampling too. A process that had
        # nothing to sample would know another order than the rest, and they would wait for one another for ever.
        whole_model.reset_iter_state()
    for part in parts:
        part.set_reshard_after_forward(True, recurse=False)
    try:
        yield
    except ArithmeticError:  # all processes leave a pass together when a number in it is none
        gather(model)
        raise
    gather(model)


def read_through(model: PreTrainedModel, read: Callable[[Rollouts], Any], rollouts: Rollouts) -> Any:
    """What `read` gives (a Pass, or one with states), by way of the model's own entry, which gathers the weights."""
    if not is_sharded(model):
        return read(rollouts)
    found: Any = vars(model)["through"](lambda: _plain(read(rollouts)))
    (logp_NT, entropy_NT), state_MX = found
    now = Pass(logp_NT, rollouts.mask_NT, entropy_NT)
    return now if state_MX is None else (now, state_MX)


def whole_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """All weights by name, on the processor; all processes must ask, at rest."""
    found = get_model_state_dict(model, options=WHOLE)
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def put_weights(model: PreTrainedModel, weights: dict[str, Tensor]) -> None:
    """Take from whole weights this process's share, at rest."""
    set_model_state_dict(model, dict(weights), options=WHOLE)


def whole_state(optimiser: torch.optim.Optimizer, model: torch.nn.Module) -> dict[str, Tensor]:
    """The optimiser's state as whole tensors; all processes must ask, at rest."""
    return {name: whole(value).cpu() for name, value in tensors_of(optimiser, model).items()}


def put_state(optimiser: torch.optim.Optimizer, model: torch.nn.Module, tensors: dict[str, Tensor]) -> None:
    """Take from a whole state this process's share, at rest."""
    weights = dict(model.named_parameters())
    shares = {name: _share(value, weights[name.rpartition(":")[0]]) for name, value in tensors.items()}
    put_back(optimiser, model, shares)


def whole(value: Tensor) -> Tensor:
    """A tensor of which each process may have a share, whole; all processes must ask."""
    if not isinstance(value, DTensor):
        return value
    with reaching():
        return value.full_tensor()


def _share(value: Tensor, like: Tensor) -> Tensor:
    if not isinstance(like, DTensor) or value.shape != like.shape:
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)


def _parts(model: torch.nn.Module) -> list[FSDPModule]:
    """The model and its layers, the whole first: what is asked first becomes the root."""
    return [module for module in model.modules() if isinstance(module, FSDPModule)]


def _through(_: PreTrainedModel, call: Callable[[], Any]) -> Any:
    return call()


def _plain(found: Any) -> Any:
    """A Pass, or one with states, as tensors that the model's hooks can see."""
    now, state_MX = found if isinstance(found, tuple) else (found, None)
    return (now.logp_NT, now.entropy_NT), state_MX
