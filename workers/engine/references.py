"""What the reference policy's completions of each prompt earned: remembered, so that they are sampled once."""

import torch
from torch import Tensor

MOST = 20_000  # prompts; of more the oldest are forgotten


class References:
    """(K, J) by prompt: the rewards of J completions, NaN where one says nothing. Kept in the checkpoint, for a prompt
    that comes again after a run was resumed is not sampled again either."""

    name = "references"

    def __init__(self) -> None:
        self._known: dict[int, Tensor] = {}

    def get(self, key: int, most: int) -> Tensor | None:
        """The first `most` completions' rewards, (K, J); None where there are not as many."""
        value_KJ = self._known.get(key)
        return None if value_KJ is None or value_KJ.shape[1] < most else value_KJ[:, :most]

    def put(self, key: int, value_KJ: Tensor) -> None:
        """Remember a prompt's rewards."""
        self._known.pop(key, None)
        self._known[key] = value_KJ.clone()
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def tensors(self) -> dict[str, Tensor]:
        """Everything, for the checkpoint."""
        shapes = [list(value_KJ.shape) for value_KJ in self._known.values()]
        return {
            "key": torch.tensor(list(self._known), dtype=torch.long),
            "shape": torch.tensor(shapes, dtype=torch.long).reshape(-1, 2),
            "value": torch.cat([torch.zeros(0), *(value_KJ.flatten() for value_KJ in self._known.values())]),
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        shapes = tensors["shape"].tolist()
        values = torch.split(tensors["value"], [rewards * most for rewards, most in shapes])
        each = zip(tensors["key"].tolist(), values, shapes, strict=True)
        self._known = {key: value.reshape(shape).clone() for key, value, shape in each}
