"""A batch as one line of tokens without padding: each different prompt once, then every completion, with what
attention must know to keep them apart and to let siblings share their prompt."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from workers.engine.tensors import Rollouts

# Masks of a block may hold so many numbers (64 MiB in float32). Beyond, rows are set apart by the lengths of their
# prompts, and those of one length share a mask.
MOST = 2**24
# Rows whose completions are shorter than this share of a block's longest go into a block of their own.
SHARE = 0.5


@dataclass(frozen=True)
class Block:
    """Rows that attend together: the places in the line of their queries (R, X) and of the keys before and among them;
    padding points at place 0. `see_RXX` is true where a query may look; None: at all keys up to its own."""

    query_RX: Tensor
    key_RX: Tensor
    see_RXX: Tensor | None = None
    added: dict[torch.dtype, Tensor] = field(default_factory=dict)

    def bias(self, dtype: torch.dtype) -> Tensor | None:
        """What is added to attention scores, (R, 1, X, X), made once for all layers."""
        if self.see_RXX is None:
            return None
        if dtype not in self.added:
            hidden = torch.zeros(self.see_RXX.shape, dtype=dtype, device=self.see_RXX.device)
            self.added[dtype] = hidden.masked_fill_(~self.see_RXX, float("-inf"))[:, None]
        return self.added[dtype]


@dataclass(frozen=True)
class Line:
    """A packed batch: `token_Z` and each token's `position_Z` in its own text; the blocks of attention; where each
    place of the line lies among the blocks' queries one behind the other (`back_Z`); and the place that predicts each
    chosen token, in the order in which the mask lists them (`pick_M`)."""

    token_Z: Tensor
    position_Z: Tensor
    blocks: tuple[Block, ...]
    back_Z: Tensor
    pick_M: Tensor

    def asked(self) -> dict[str, Any]:
        """The network's inputs. The mask of one place is never looked at: it keeps the network from making one."""
        ready = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=self.token_Z.device)
        return {
            "input_ids": self.token_Z[None],
            "attention_mask": ready,
            "position_ids": self.position_Z[None],
            "use_cache": False,
            "line": self,
        }


def pack(rollouts: Rollouts) -> Line | None:
    """The batch as one line; None when it has no chosen token, or a prompt without tokens."""
    device = rollouts.token_NT.device
    mask_NT, present_NL = rollouts.mask_NT.cpu(), rollouts.prompt_mask_NL.cpu()
    # Only tokens before a row's last chosen one are read: nothing depends on that one or on what follows it.
    count_N = (mask_NT * torch.arange(1, mask_NT.shape[1] + 1)).amax(dim=1) if mask_NT.numel() else mask_NT.sum(1)
    row_R = (count_N > 0).nonzero().squeeze(1)
    first_P, group_R = _different(rollouts.prompt_NL.cpu()[row_R], present_NL[row_R])
    first_P = row_R[first_P] if len(row_R) else row_R
    length_P, count_R = present_NL[first_P].sum(1), count_N[row_R] - 1
    if not len(row_R) or not bool((length_P > 0).all()):
        return None
    read_RT = torch.arange(mask_NT.shape[1]) < count_R[:, None]
    prompt_M = rollouts.prompt_NL[first_P.to(device)][present_NL[first_P].to(device)]
    token_Z = torch.cat([prompt_M, rollouts.token_NT[row_R.to(device)][read_RT.to(device)]])
    start_P = length_P.cumsum(0) - length_P
    start_R = int(length_P.sum()) + count_R.cumsum(0) - count_R
    position_Z = torch.cat([_within(length_P), _within(count_R) + length_P[group_R].repeat_interleave(count_R)])
    blocks, back_Z = _blocks(start_P, length_P, start_R, count_R, group_R, len(position_Z))
    row_M, place_M = mask_NT[row_R].nonzero(as_tuple=True)
    last_P = start_P + length_P - 1
    pick_M = torch.where(place_M == 0, last_P[group_R[row_M]], start_R[row_M] + place_M - 1)
    return Line(token_Z, position_Z.to(device), _moved(blocks, device), back_Z.to(device), pick_M.to(device))


def line_of(prompts: list[list[int]], device: torch.device) -> Line:
    """Prompts (token ids, none empty) one behind the other; `pick_M` are their last places."""
    length_P = torch.tensor([len(prompt) for prompt in prompts])
    none = length_P[:0]
    start_P = length_P.cumsum(0) - length_P
    blocks, back_Z = _blocks(start_P, length_P, none, none, none, int(length_P.sum()))
    token_Z = torch.tensor([token for prompt in prompts for token in prompt], device=device)
    last_M = start_P + length_P - 1
    return Line(token_Z, _within(length_P).to(device), _moved(blocks, device), back_Z.to(device), last_M.to(device))


def places_of(prompts: list[list[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Where each prompt's tokens lie in `line_of` the prompts, (P, X) with place 0 as padding behind, and where they
    are real."""
    length_P = torch.tensor([len(prompt) for prompt in prompts])
    place_PX, real_PX = _run(length_P.cumsum(0) - length_P, length_P)
    return place_PX.to(device), real_PX.to(device)


def _different(prompt_RL: Tensor, present_RL: Tensor) -> tuple[Tensor, Tensor]:
    """The first row of each different prompt, and each row's number among them."""
    known: dict[bytes, int] = {}
    first: list[int] = []
    number: list[int] = []
    for row, (ids, present) in enumerate(zip(prompt_RL.numpy(), present_RL.numpy(), strict=True)):
        name = ids[present].tobytes()
        if name not in known:
            known[name] = len(first)
            first.append(row)
        number.append(known[name])
    return torch.tensor(first, dtype=torch.long), torch.tensor(number, dtype=torch.long)


def _within(length_R: Tensor) -> Tensor:
    """0, 1, … within each run of the given lengths."""
    start_R = length_R.cumsum(0) - length_R
    return torch.arange(int(length_R.sum())) - start_R.repeat_interleave(length_R)


def _blocks(
    start_P: Tensor, length_P: Tensor, start_R: Tensor, count_R: Tensor, group_R: Tensor, places: int
) -> tuple[list[Block], Tensor]:
    """Blocks of prompts, then of completions, and where each place of the line lies among their queries."""
    blocks: list[Block] = []
    back_Z, offset = torch.zeros(places, dtype=torch.long), 0
    behind_R = length_P[group_R]
    completions = [part for cut in _cuts(count_R) for part in _by_prompt(cut, count_R[cut], behind_R[cut])]
    for row_R, prompts in [(cut, True) for cut in _cuts(length_P)] + [(cut, False) for cut in completions]:
        start, count = (start_P[row_R], length_P[row_R]) if prompts else (start_R[row_R], count_R[row_R])
        query_RX, real_RX = _run(start, count)
        if prompts:
            blocks.append(Block(query_RX, query_RX))
        else:
            group = group_R[row_R]
            blocks.append(_completions(start_P[group], length_P[group], query_RX))
        back_Z[query_RX[real_RX]] = offset + real_RX.flatten().nonzero().squeeze(1)
        offset += query_RX.numel()
    return blocks, back_Z


def _cuts(count_R: Tensor) -> list[Tensor]:
    """Rows by length, in cuts within which none is shorter than SHARE of the longest; rows without places are left out.
    Rows of a cut keep their order."""
    cuts, left_R = [], (count_R > 0).nonzero().squeeze(1)
    while len(left_R):
        long = count_R[left_R] > SHARE * count_R[left_R].max()
        cuts.append(left_R[long])
        left_R = left_R[~long]
    return cuts


def _by_prompt(row_R: Tensor, count_R: Tensor, behind_R: Tensor) -> list[Tensor]:
    """Rows of one cut, apart by the lengths of their prompts (`behind_R`) where their masks would be too large."""
    places = int(count_R.max())
    if len(row_R) * places * (places + int(behind_R.max())) <= MOST:
        return [row_R]
    return [row_R[behind_R == length] for length in torch.unique(behind_R)]


def _run(start_R: Tensor, count_R: Tensor) -> tuple[Tensor, Tensor]:
    """The places start, start + 1, … of each row, (R, X), with place 0 as padding behind, and where they are real."""
    place = torch.arange(int(count_R.max()))
    real_RX = place < count_R[:, None]
    return (start_R[:, None] + place).where(real_RX, torch.tensor(0)), real_RX


def _completions(start_R: Tensor, length_R: Tensor, query_RX: Tensor) -> Block:
    """Completions behind their prompts, given by start and length: prompts end where the completions begin."""
    longest, places = int(length_R.max()), query_RX.shape[1]
    place = torch.arange(longest) - (longest - length_R)[:, None]
    real_RX = place >= 0
    prompt_RX = (start_R[:, None] + place).where(real_RX, torch.tensor(0))
    own = torch.ones(places, places, dtype=torch.bool).tril()
    # Prompts of one length need one mask for all rows.
    rows = 1 if bool(real_RX.all()) else len(real_RX)
    see = torch.cat([real_RX[:rows, None].expand(rows, places, longest), own.expand(rows, places, places)], dim=2)
    return Block(query_RX, torch.cat([prompt_RX, query_RX], dim=1), see)


def _moved(blocks: list[Block], device: torch.device) -> tuple[Block, ...]:
    return tuple(
        Block(b.query_RX.to(device), b.key_RX.to(device), None if b.see_RXX is None else b.see_RXX.to(device))
        for b in blocks
    )
