"""Keys and values of a batch of rows in memory taken once: written in place, never grown by concatenation."""

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache


class Room:
    """One layer's keys and values, (rows, heads, positions, head size), of which the first `length` are filled."""

    def __init__(self, like_key: Tensor, like_value: Tensor, positions: int) -> None:
        self.length = 0
        self.key = like_key.new_empty(*like_key.shape[:2], positions, like_key.shape[3])
        self.value = like_value.new_empty(*like_value.shape[:2], positions, like_value.shape[3])

    def add(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write the new positions and return views of all that are filled."""
        start, self.length = self.length, self.length + key.shape[2]
        assert self.length <= self.key.shape[2], f"{self.length} positions in a cache of {self.key.shape[2]}"
        self.key[:, :, start : self.length] = key
        self.value[:, :, start : self.length] = value
        return self.key[:, :, : self.length], self.value[:, :, : self.length]

    def take(self, row_R: Tensor) -> None:
        """Keep (or repeat) the given rows, in their order. Only filled positions are copied."""
        self.key, self.value = self._taken(self.key, row_R), self._taken(self.value, row_R)

    def _taken(self, old: Tensor, row_R: Tensor) -> Tensor:
        new = old.new_empty(len(row_R), *old.shape[1:])
        new[:, :, : self.length] = old[row_R, :, : self.length]
        return new


class RoomyCache(Cache):
    """A preallocated cache for any decoder that keeps keys and values; `take` repeats prompts and drops rows."""

    def __init__(self, positions: int) -> None:
        super().__init__(layers=[])
        self.positions = positions
        self.rooms: list[Room] = []

    def __len__(self) -> int:
        return len(self.rooms)

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Called by each layer's attention with its new keys and values; returns all it should look at."""
        if layer_idx == len(self.rooms):
            self.rooms.append(Room(key_states, value_states, self.positions))
        return self.rooms[layer_idx].add(key_states, value_states)

    def get_seq_length(self, layer_idx: int | None = None) -> int:
        """Positions filled so far."""
        return self.rooms[layer_idx or 0].length if self.rooms else 0

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        """(keys that a query may see, offset of the first): all of them, from 0."""
        return self.get_seq_length() + query_length, 0

    def take(self, row_R: Tensor) -> None:
        """Keep (or repeat) the given rows, in their order."""
        for room in self.rooms:
            room.take(row_R)


class StemCache(Cache):
    """First a packed line of prompts, kept as (P, heads, X, size) a layer in `stems`; then each row's own keys and
    values, beginning at 0. With `fixed` all places are returned, written or not, and the next is where `place_1` says:
    no shape and no number outside tensors changes from step to step."""

    def __init__(self, place_PX: Tensor, rows: int, positions: int, *, fixed: bool = False) -> None:
        super().__init__(layers=[])
        self.place_PX, self.shape, self.fixed = place_PX, (rows, positions), fixed
        self.stems: list[tuple[Tensor, Tensor]] = []
        self.rooms: list[Room] = []
        self.place_1 = torch.zeros(1, dtype=torch.long, device=place_PX.device)

    def __len__(self) -> int:
        return len(self.stems)

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Called by each layer's attention with its new keys and values; returns all it should look at."""
        if layer_idx == len(self.stems):
            self.stems.append((self._stem(key_states), self._stem(value_states)))
            rows, positions = self.shape
            key, value = (x.expand(rows, -1, -1, -1) for x in (key_states, value_states))
            room = Room(key, value, positions)
            if self.fixed:  # what is not written yet is looked at with weight 0, and must be a number
                room.key.zero_()
                room.value.zero_()
            self.rooms.append(room)
            return key_states, value_states
        room = self.rooms[layer_idx]
        if not self.fixed:
            return room.add(key_states, value_states)
        room.key.index_copy_(2, self.place_1, key_states)
        room.value.index_copy_(2, self.place_1, value_states)
        return room.key, room.value

    def _stem(self, line: Tensor) -> Tensor:
        """(1, heads, Z, size) as (P, heads, X, size)."""
        return line[0].transpose(0, 1)[self.place_PX].transpose(1, 2).contiguous()

    def get_seq_length(self, layer_idx: int | None = None) -> int:
        """Own positions filled so far."""
        return self.rooms[layer_idx or 0].length if self.rooms else 0

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        """(keys that a query may see, offset of the first): all of them, from 0."""
        return self.get_seq_length() + query_length, 0

    def take(self, row_R: Tensor) -> None:
        """Keep the given rows, in their order."""
        for room in self.rooms:
            if self.fixed:
                room.length = room.key.shape[2]
            room.take(row_R)
