"""Arithmetic on masked tokens and on groups. Two kinds of method never write their own `.mean()` over tokens."""

import torch
from torch import Tensor


def masked(value_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """`value_NT` with zeros outside the mask, whatever stood there (NaN and infinity too), in value and gradient."""
    return torch.where(mask_NT, value_NT, torch.zeros((), dtype=value_NT.dtype, device=value_NT.device))


def masked_mean(value_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """The mean over the tokens inside the mask; 0 for an empty mask."""
    return masked(value_NT, mask_NT).sum() / mask_NT.sum().clamp(min=1)


def standardised(value_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over all tokens inside the mask, zero outside; exactly 0 where all of them are equal.

    Without that, the rounding of a mean of equal values would be divided by a deviation near 0 and become a push.
    """
    centred_NT = masked(value_NT - masked_mean(value_NT, mask_NT), mask_NT)
    inside = value_NT[mask_NT]
    if inside.numel() == 0 or bool(inside.min() == inside.max()):
        return torch.zeros_like(centred_NT)
    return centred_NT / masked_mean(centred_NT.square(), mask_NT).sqrt().clamp(min=1e-8)


def per_row(value_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """The sum over each row's tokens inside the mask, shape (N,).

    It is taken in double precision: rewards that arise on several tokens and come to the same total must be equal.
    """
    return masked(value_NT, mask_NT).sum(dim=1, dtype=torch.float64).to(value_NT.dtype)


def spread(value_N: Tensor, mask_NT: Tensor) -> Tensor:
    """One number a row, written on each of its tokens inside the mask, shape (N, T)."""
    return masked(value_N[:, None].expand(mask_NT.shape), mask_NT)


def last_token(mask_NT: Tensor) -> Tensor:
    """The position of each row's last token inside the mask, shape (N,); 0 for a row without any."""
    position_T = torch.arange(mask_NT.shape[1], device=mask_NT.device)
    last_N: Tensor = (position_T * mask_NT).amax(dim=1)
    return last_N


def on_last_token(value_N: Tensor, mask_NT: Tensor) -> Tensor:
    """One number a row, standing on its last token inside the mask, shape (N, T); nothing in an empty row."""
    out_NT = torch.zeros(mask_NT.shape, dtype=value_N.dtype, device=value_N.device)
    out_NT.scatter_(1, last_token(mask_NT)[:, None], value_N[:, None])
    return masked(out_NT, mask_NT)


def group_size(group_N: Tensor) -> Tensor:
    """How many rows share each row's group, shape (N,)."""
    _, inverse_N, count = torch.unique(group_N, return_inverse=True, return_counts=True)
    size_N: Tensor = count[inverse_N]
    return size_N


def group_sum(value_N: Tensor, group_N: Tensor) -> Tensor:
    """The sum over each row's group, written on every row of it, shape (N,)."""
    unique, inverse_N = torch.unique(group_N, return_inverse=True)
    total = torch.zeros(len(unique), dtype=value_N.dtype, device=value_N.device).index_add_(0, inverse_N, value_N)
    return total[inverse_N]


def group_mean(value_N: Tensor, group_N: Tensor) -> Tensor:
    """The mean over each row's group, written on every row of it, shape (N,)."""
    return group_sum(value_N, group_N) / group_size(group_N)


def group_std(value_N: Tensor, group_N: Tensor) -> Tensor:
    """The sample deviation (n − 1) of each row's group, shape (N,); exactly 0 for equal values and a group of one."""
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


def group_centred(value_N: Tensor, group_N: Tensor) -> Tensor:
    """Each row's value less its group's mean, shape (N,); exactly 0 where the group's values are equal.

    Without that, the rounding of a mean of equal values would be divided by a deviation near 0 and become a push.
    """
    centred_N = value_N - group_mean(value_N, group_N)
    return torch.where(group_equal(value_N, group_N), torch.zeros_like(centred_N), centred_N)


LARGEST_LOG_RATIO = 20.0


def log_ratio(over_NT: Tensor, under_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """ln(over / under) of log-probabilities, zero outside the mask and at most 20, so that its exponential is finite.

    Above 20 (a ratio of 5e8) the gradient is zero: a gradient of that size would make the step's norm infinite and
    every other token's push nothing. There is no lower bound: the exponential of −100 is finite, and the slope matters.
    """
    return masked(over_NT - under_NT, mask_NT).clamp(max=LARGEST_LOG_RATIO)


def chosen_rows(mask_NT: Tensor) -> Tensor:
    """How many rows have a token inside the mask, at least 1 so that one may divide by it; a scalar."""
    return mask_NT.any(dim=1).sum().clamp(min=1)
