"""Attention on packed lines, and of next tokens below a stem of prompts, for any network that asks transformers for its
attention function by name. With neither given it is transformers' own scaled dot product attention."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from workers.engine.packed import Block, Line
from workers.engine.stem import Stem

NAME = "merit_packed"
UNKNOWN = ("softcap", "position_bias", "sliding_window", "s_aux", "cache")


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    line: Line | None = None,
    stem: Stem | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Attention of one layer, as transformers calls it. ValueError for a variant that lines do not know."""
    if line is None and stem is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **more)
    asked = [name for name in UNKNOWN if more.get(name) is not None]
    if asked:
        raise ValueError(f"packed lines know nothing of {', '.join(asked)}")
    if line is None:
        assert stem is not None
        scale = query.shape[3] ** -0.5 if scaling is None else scaling
        layer: Any = module.layer_idx
        return stem.attend(query, key, value, scale, layer), None
    lines = [_flat(x) for x in (query, key, value)]
    outs = [_block(block, lines, query.shape, key.shape[1], dropout, scaling) for block in line.blocks]
    out_ZX = functional.embedding(line.back_Z, torch.cat(outs) if len(outs) > 1 else outs[0])
    return out_ZX.view(1, len(out_ZX), query.shape[1], -1), None


def _flat(x: Tensor) -> Tensor:
    """(1, heads, Z, size) as rows, (Z, heads × size); as a rule these are the projection's own rows, not a copy."""
    return x[0].transpose(0, 1).reshape(x.shape[2], -1)


def _block(
    block: Block, lines: list[Tensor], shape: torch.Size, key_heads: int, dropout: float, scaling: float | None
) -> Tensor:
    """One block's attention, (R × X, heads × size)."""
    heads = shape[1]
    places = (block.query_RX, block.key_RX, block.key_RX)
    # Looked up as embeddings are: the way back then adds up rows, siblings' shares of a prompt too, in a fixed order.
    q, k, v = (functional.embedding(place, x) for place, x in zip(places, lines, strict=True))
    query = q.view(*q.shape[:2], heads, -1).transpose(1, 2)
    key, value = (x.view(*x.shape[:2], key_heads, -1).transpose(1, 2) for x in (k, v))
    if key_heads < heads:
        key, value = (x.repeat_interleave(heads // key_heads, dim=1) for x in (key, value))
    bias = block.bias(query.dtype)
    out = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=bias, dropout_p=dropout, is_causal=bias is None, scale=scaling
    )
    return out.transpose(1, 2).reshape(-1, out.shape[1] * out.shape[3])


def whole(model: PreTrainedModel) -> bool:
    """Whether all layers look at everything before them through transformers' scaled dot product attention."""
    config = model.config
    default = "full_attention" if getattr(config, "sliding_window", None) is None else "sliding_attention"
    kinds = set(getattr(config, "layer_types", None) or [default])
    return config._attn_implementation in ("sdpa", NAME) and kinds == {"full_attention"}


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
