"""Steps of sampling replayed as a CUDA graph: the shapes never change, so that the processor need not launch each of a
step's many small kernels. On other devices the same fixed step runs as it is."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from workers.engine.reading import Network
from workers.engine.walk import StemWalk


class GraphWalk(StemWalk):
    """A stem walk of fixed shapes whose step is recorded once for each number of rows."""

    def __init__(self, network: Network, prompts: list[list[int]], row_N: Tensor, new_tokens: int) -> None:
        super().__init__(network, prompts, row_N, new_tokens, fixed=True)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.records = row_N.device.type == "cuda"

    def keep(self, keep_R: Tensor) -> None:
        """Drop the rows where `keep_R` is false; the next step is recorded anew."""
        super().keep(keep_R)
        self.graph = None

    def step(self, token_R: Tensor) -> Tensor:
        """What the network gives after `token_R`, (R, X): good until the next step."""
        if self.records and self.graph is None:
            self._record(token_R)
        if self.graph is None:
            return super().step(token_R)
        self.token_R.copy_(token_R)
        self.graph.replay()
        return self.given_RX

    def _record(self, token_R: Tensor) -> None:
        """Record the step; a network that cannot be recorded is run step by step. A step run twice writes the same keys
        and values to the same places."""
        self.token_R = token_R.clone()
        stream: Callable[[], Any] = torch.cuda.Stream
        aside = stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(2):
                super().step(self.token_R)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self.given_RX = super().step(self.token_R)
        except RuntimeError:
            self.records = False
            return
        self.graph = graph
