"""Arithmetic on masked tokens and on groups. Two kinds of method never write their own `.mean()` over tokens."""

import torch
from torch import Tensor


def masked(value_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """`value_NT` with zeros outside the mask, whatever stood there (NaN and infinity too), in value and gradient."""
    return torch.where(mask_NT, value_NT, torch.zeros((), dtype=value_NT.dtype, device=value_NT.device))


def masked_mean(value_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """The mean over the tokens inside the mask; 0 for an empty mask."""
    return masked(value_NT, mask_NT).sum() / mask_NT.sum().clamp(min=1)


def per_row(value_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """The sum over each row's tokens inside the mask, shape (N,)."""
    return masked(value_NT, mask_NT).sum(dim=1)


def spread(value_N: Tensor, mask_NT: Tensor) -> Tensor:
    """One number a row, written on each of its tokens inside the mask, shape (N, T)."""
    return masked(value_N[:, None].expand(mask_NT.shape), mask_NT)


def last_token(mask_NT: Tensor) -> Tensor:
    """The position of each row's last token inside the mask, shape (N,); 0 for a row without any."""
    position_T = torch.arange(mask_NT.shape[1], device=mask_NT.device)
    return (position_T * mask_NT).amax(dim=1) if mask_NT.shape[1] else mask_NT.new_zeros(mask_NT.shape[0], dtype=torch.long)


def on_last_token(value_N: Tensor, mask_NT: Tensor) -> Tensor:
    """One number a row, standing on its last token inside the mask, shape (N, T); nothing in an empty row."""
    out_NT = torch.zeros(mask_NT.shape, dtype=value_N.dtype, device=value_N.device)
    out_NT.scatter_(1, last_token(mask_NT)[:, None], value_N[:, None])
    return masked(out_NT, mask_NT)


def group_size(group_N: Tensor) -> Tensor:
    """How many rows share each row's group, shape (N,)."""
    _, inverse_N, count = torch.unique(group_N, return_inverse=True, return_counts=True)
    return count[inverse_N]


def group_sum(value_N: Tensor, group_N: Tensor) -> Tensor:
    """The sum over each row's group, written on every row of it, shape (N,)."""
    unique, inverse_N = torch.unique(group_N, return_inverse=True)
    total = torch.zeros(len(unique), dtype=value_N.dtype, device=value_N.device).index_add_(0, inverse_N, value_N)
    return total[inverse_N]


def group_mean(value_N: Tensor, group_N: Tensor) -> Tensor:
    """The mean over each row's group, written on every row of it, shape (N,)."""
    return group_sum(value_N, group_N) / group_size(group_N)


def group_std(value_N: Tensor, group_N: Tensor) -> Tensor:
    """The sample deviation (n − 1) of each row's group, shape (N,); 0 for a group of one and, exactly, for equal values."""
    deviation_N = value_N - group_mean(value_N, group_N)
    freedom_N = (group_size(group_N) - 1).clamp(min=1)
    std_N = (group_sum(deviation_N.square(), group_N) / freedom_N).sqrt()
    return torch.where(group_equal(value_N, group_N), torch.zeros_like(std_N), std_N)


def group_equal(value_N: Tensor, group_N: Tensor) -> Tensor:
    """True on the rows of a group whose values are all the same, shape (N,)."""
    unique, inverse_N = torch.unique(group_N, return_inverse=True)
    low = torch.full((len(unique),), torch.inf, dtype=value_N.dtype, device=value_N.device)
    high = -low
    low = low.scatter_reduce(0, inverse_N, value_N, "amin")
    high = high.scatter_reduce(0, inverse_N, value_N, "amax")
    return (low == high)[inverse_N]
