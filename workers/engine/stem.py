"""Keys and values of prompts read once for all their completions, and attention of next tokens to them: siblings look
at one copy, so that a step of sampling moves far less memory than with a copy a row."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """Which rows belong to which prompt: `row_PX` holds each prompt's rows, padded with row 0, and `back_R` where each
    row lies in it, flattened. `even`: rows are in order and groups of one size, so that nothing needs to be moved."""

    row_PX: Tensor
    back_R: Tensor
    even: bool

    @property
    def siblings(self) -> int:
        """Rows of the largest group."""
        return self.row_PX.shape[1]

    def gather(self, rows: Tensor) -> Tensor:
        """(R, heads, repeats, …) as (P, heads, siblings × repeats, …)."""
        prompts, siblings = self.row_PX.shape
        found = rows if self.even else rows[self.row_PX.flatten()]
        found = found.view(prompts, siblings, *rows.shape[1:]).transpose(1, 2)
        return found.reshape(prompts, rows.shape[1], siblings * rows.shape[2], rows.shape[3])

    def spread(self, groups: Tensor, repeats: int) -> Tensor:
        """(P, heads, siblings × repeats, …) as (R, heads, repeats, …): the way back."""
        prompts, heads = groups.shape[:2]
        found = groups.view(prompts, heads, self.siblings, repeats, -1).transpose(1, 2)
        found = found.reshape(prompts * self.siblings, heads, repeats, -1)
        return found if self.even else found[self.back_R]


def groups_of(group_R: Tensor) -> Groups:
    """The groups of rows, from each row's number of its prompt: 0, 1, … each at least once, in order."""
    count_P = torch.bincount(group_R)
    first_P = count_P.cumsum(0) - count_P
    most = int(count_P.max())
    place = torch.arange(most, device=group_R.device)
    row_PX = (first_P[:, None] + place).where(place < count_P[:, None], torch.zeros_like(place))
    back_R = group_R * most + torch.arange(len(group_R), device=group_R.device) - first_P[group_R]
    return Groups(row_PX, back_R, bool((count_P == most).all()))


@dataclass
class Stem:
    """P prompts in a network's layers: keys and values (P, heads, X, size), and which rows grow from each.
    `hidden_PX` is true on padding; `own_bias_X` is added to scores at the rows' own keys where some are not written."""

    hidden_PX: Tensor
    layers: list[tuple[Tensor, Tensor]]
    groups: Groups
    own_bias_X: Tensor | None = None

    def __post_init__(self) -> None:
        self._bias: dict[torch.dtype, Tensor] = {}

    def keep(self, group_R: Tensor) -> None:
        """Go on with rows of the given prompts only."""
        kept_P, number_R = torch.unique(group_R, return_inverse=True)
        if len(kept_P) < len(self.hidden_PX):
            self.hidden_PX = self.hidden_PX[kept_P]
            self.layers = [(key[kept_P], value[kept_P]) for key, value in self.layers]
            self._bias.clear()
        self.groups = groups_of(number_R)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float, layer: int) -> Tensor:
        """Attention of one new token a row, (R, heads, 1, size), to its prompt and its own keys: (R, 1, heads, size).
        Scores of both are weighed together, in float32 at least."""
        rows, heads, _, size = query.shape
        stem_key, stem_value = self.layers[layer]
        repeats = heads // key.shape[1]
        query = (query * scaling).view(rows, key.shape[1], repeats, size)
        own = query @ key.transpose(2, 3)
        if self.own_bias_X is not None:
            own = own + self.own_bias_X
        far = self.groups.gather(query) @ stem_key.transpose(2, 3) + self._hide(query.dtype)
        both = torch.cat([self.groups.spread(far, repeats), own], dim=3)
        wide = torch.float32 if both.dtype.itemsize < 4 else both.dtype
        share = both.softmax(dim=3, dtype=wide).to(value.dtype)
        places = stem_key.shape[2]
        out = share[..., places:] @ value
        out = out + self.groups.spread(self.groups.gather(share[..., :places]) @ stem_value, repeats)
        return out.view(rows, 1, heads, size)

    def _hide(self, dtype: torch.dtype) -> Tensor:
        if dtype not in self._bias:
            zero = torch.zeros(self.hidden_PX.shape, dtype=dtype, device=self.hidden_PX.device)
            self._bias[dtype] = zero.masked_fill_(self.hidden_PX, float("-inf"))[:, None, None]
        return self._bias[dtype]
