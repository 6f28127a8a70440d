"""A network one token after the other: what it gives at the last place of each row, for rows that may leave."""

from typing import Protocol

import torch
from torch import Tensor

from workers.engine.cache import RoomyCache, StemCache
from workers.engine.packed import line_of, places_of
from workers.engine.reading import Network
from workers.engine.stem import Stem, groups_of


class Walk(Protocol):
    """`row_R` are the rows still there, by their first numbers; `out_RX` what the network gives at their last place."""

    row_R: Tensor
    out_RX: Tensor

    def keep(self, keep_R: Tensor) -> None:
        """Drop the rows where `keep_R` is false."""

    def advance(self, token_R: Tensor) -> None:
        """Read one more token a row."""


class StemWalk:
    """Prompts as one packed line, their keys and values once for all siblings, and each row's own in memory of its own.
    For networks that read packed lines. With `fixed` every step has the same shapes and places, as CUDA graphs want."""

    def __init__(
        self, network: Network, prompts: list[list[int]], row_N: Tensor, new_tokens: int, *, fixed: bool = False
    ) -> None:
        self.network, self.group_R = network, row_N
        self.row_R = torch.arange(len(row_N), device=row_N.device)
        line = line_of(prompts, row_N.device)
        place_PX, real_PX = places_of(prompts, row_N.device)
        self.cache = StemCache(place_PX, len(row_N), new_tokens, fixed=fixed)
        asked = line.asked() | {"past_key_values": self.cache, "use_cache": True}
        out_PX = network(**asked)[0, line.pick_M]
        self.stem = Stem(~real_PX, self.cache.stems, groups_of(row_N))
        self.out_RX = out_PX[row_N]
        self.position_R1 = real_PX.sum(1)[row_N][:, None]
        self.ready = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=row_N.device)
        if fixed:
            self.stem.own_bias_X = torch.full((new_tokens,), float("-inf"), device=row_N.device)

    def keep(self, keep_R: Tensor) -> None:
        """Drop the rows where `keep_R` is false."""
        index_R = keep_R.nonzero().squeeze(1)
        self.row_R, self.group_R = self.row_R[index_R], self.group_R[index_R]
        self.position_R1 = self.position_R1[index_R]
        self.cache.take(index_R)
        self.stem.keep(self.group_R)
        _, self.group_R = torch.unique(self.group_R, return_inverse=True)

    def advance(self, token_R: Tensor) -> None:
        """Read one more token a row."""
        if self.stem.own_bias_X is not None:
            self.stem.own_bias_X.index_fill_(0, self.cache.place_1, 0.0)
        self.out_RX = self.step(token_R)
        self.position_R1 += 1
        self.cache.place_1 += 1

    def step(self, token_R: Tensor) -> Tensor:
        """What the network gives after `token_R`, (R, X)."""
        out: Tensor = self.network(
            input_ids=token_R[:, None],
            attention_mask=self.ready,
            position_ids=self.position_R1,
            past_key_values=self.cache,
            use_cache=True,
            stem=self.stem,
        )
        return out[:, -1]


class PlainWalk:
    """Prompts padded on the left, a copy of keys and values a row: for any decoder that keeps a cache."""

    def __init__(
        self, network: Network, prompt_PL: Tensor, present_PL: Tensor, row_N: Tensor, new_tokens: int, *, ready: bool
    ) -> None:
        self.network, self.ready = network, ready
        self.cache = RoomyCache(prompt_PL.shape[1] + new_tokens)
        position_PL = (present_PL.long().cumsum(1) - 1).clamp(min=0)
        out = network(
            input_ids=prompt_PL,
            attention_mask=None if bool(present_PL.all()) else present_PL.long(),
            position_ids=position_PL,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self.cache.take(row_N)
        self.row_R = torch.arange(len(row_N), device=row_N.device)
        self.out_RX = out[row_N, -1]
        room = torch.ones(len(row_N), new_tokens, dtype=torch.bool, device=row_N.device)
        self.present_RX = torch.cat([present_PL[row_N], room], dim=1)
        self.position_R1 = position_PL[row_N, -1:]

    def keep(self, keep_R: Tensor) -> None:
        """Drop the rows where `keep_R` is false."""
        index_R = keep_R.nonzero().squeeze(1)
        self.cache.take(index_R)
        self.row_R, self.present_RX = self.row_R[index_R], self.present_RX[index_R]
        self.position_R1 = self.position_R1[index_R]

    def advance(self, token_R: Tensor) -> None:
        """Read one more token a row."""
        self.position_R1 = self.position_R1 + 1
        seen_RX = self.present_RX[:, : self.cache.get_seq_length() + 1]
        # A mask that is ready, where the network takes one, saves making it at each token.
        out = self.network(
            input_ids=token_R[:, None],
            attention_mask=seen_RX[:, None, None] if self.ready else seen_RX.long(),
            position_ids=self.position_R1,
            past_key_values=self.cache,
            use_cache=True,
        )
        self.out_RX = out[:, -1]
