"""What a model's files tell without loading it: length, size, padding token. Read as text, without torch."""

import json
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from workers.contract.catalogue import ROOT
from workers.contract.memory import Sizes, sizes_of
from workers.contract.modelnames import STARTERS

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
_LENGTHS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
_SMALL = 1_000_000  # bytes; a tokenizer of bytes alone has a few thousand
_HEADER_LIMIT = 100_000_000  # bytes; the format's own bound


@dataclass(frozen=True)
class ModelFacts:
    """Positions the model has (None: not said), its weights, the sizes that a memory estimate needs (None for a kind of
    model that names them otherwise), and what its tokenizer can do: one token a byte, padding, a template for chats."""

    longest: int | None
    weights: int
    sizes: Sizes | None
    bytes_only: bool
    pads: bool
    templated: bool


class ModelTrouble(ValueError):
    """Why the files are no model that the engine can load."""


def is_directory(name: str) -> bool:
    """Whether a model's name is a local directory rather than an id on the hub (which has at most one slash)."""
    return name.startswith(("/", ".", "~")) or name.count("/") > 1 or name.endswith("/")


def place(name: str) -> Path | None:
    """The directory of a model that lies on this machine; None for one on the hub."""
    if name in STARTERS:
        return ROOT / "models" / STARTERS[name]
    return Path(name).expanduser() if is_directory(name) else None


def facts(directory: Path) -> ModelFacts:
    """What the files in `directory` tell; ModelTrouble says which file is missing or broken."""
    if not directory.is_dir():
        raise ModelTrouble(f"there is no directory {directory} on this machine")
    stamp = max((path.stat().st_mtime_ns for path in directory.iterdir()), default=0)
    return _facts(directory, stamp)


@lru_cache(maxsize=64)
def _facts(directory: Path, stamp: int) -> ModelFacts:
    config = _object(directory / "config.json", "so this is no model that transformers can load")
    # A checkpoint of a run has further such files beside its model's: those of the optimiser, of critics.
    shards = sorted(directory.glob("model*.safetensors"))
    if not shards:
        raise ModelTrouble(f"{directory} has no *.safetensors; save the model with safe_serialization=True")
    if not any((directory / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json")):
        raise ModelTrouble(f"{directory} has no tokenizer; save it beside the model with tokenizer.save_pretrained")
    longest = _whole(config, _LENGTHS, 0)
    return ModelFacts(
        longest=longest or None,
        weights=sum(map(_weights, shards)),
        sizes=_sizes(config),
        bytes_only=_bytes_only(directory),
        pads=_pads(directory),
        templated=_templated(directory),
    )


def _sizes(config: dict[str, Any]) -> Sizes | None:
    try:
        return sizes_of(config)
    except (KeyError, TypeError, ValueError):
        return None


def _object(path: Path, why: str) -> dict[str, Any]:
    try:
        made = json.loads(path.read_text())
    except FileNotFoundError:
        raise ModelTrouble(f"{path.parent} has no {path.name}, {why}") from None
    except (OSError, ValueError) as error:
        raise ModelTrouble(f"{path} cannot be read: {error}") from None
    if not isinstance(made, dict):
        raise ModelTrouble(f"{path} holds no JSON object")
    return made


def _whole(config: dict[str, Any], names: tuple[str, ...], otherwise: int) -> int:
    found = (config.get(name) for name in names)
    return next((value for value in found if isinstance(value, int) and value > 0), otherwise)


def _weights(shard: Path) -> int:
    """How many numbers a safetensors file holds, from its header alone."""
    try:
        with shard.open("rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            if size > min(_HEADER_LIMIT, shard.stat().st_size):
                raise ModelTrouble(f"{shard} is no safetensors file: its header claims {size:,} bytes")
            header = json.loads(file.read(size))
        return sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, struct.error, ValueError, KeyError, TypeError) as error:
        raise (
            error if isinstance(error, ModelTrouble) else ModelTrouble(f"{shard} is no whole safetensors file")
        ) from None


def _tokenizer(directory: Path) -> dict[str, Any]:
    """What the small files of the tokenizer say."""
    named: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        path = directory / name
        named |= _object(path, "") if path.is_file() else {}
    return named


def _pads(directory: Path) -> bool:
    """Whether the tokenizer names a token that can stand for padding (an end-of-text token will do).

    The class of a model family may know one that its files do not say, so only a general tokenizer is doubted.
    """
    named = _tokenizer(directory)
    general = named.get("tokenizer_class") in (
        None,
        "TokenizersBackend",
        "PreTrainedTokenizerFast",
        "PreTrainedTokenizer",
    )
    return not general or any(named.get(key) is not None for key in ("pad_token", "eos_token"))


def _templated(directory: Path) -> bool:
    files = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
    return bool(_tokenizer(directory).get("chat_template")) or any((directory / name).exists() for name in files)


def _bytes_only(directory: Path) -> bool:
    """Whether a text has as many tokens as bytes: bytes for an alphabet, and nothing is merged."""
    path = directory / "tokenizer.json"
    if not path.is_file() or path.stat().st_size > _SMALL:
        return False
    said = _object(path, "")
    model = said.get("model")
    return (
        isinstance(model, dict)
        and model.get("type") == "BPE"
        and not model.get("merges")
        and "ByteLevel" in json.dumps(said.get("pre_tokenizer"))
    )
