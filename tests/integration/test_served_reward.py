"""A saved reward asked as OpenRLHF's trainers ask a remote one, of a real web process with a real worker behind it.

Their client posts JSON with `requests` or `aiohttp`, sends no headers of its own, tries five times, and reads a dict;
what it posts and how it reads it is written here from its behaviour (`openrlhf/utils/remote_rm_utils.py` up to 0.8,
`openrlhf/utils/agent.py` since).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import torch

from labapp.accounts.models import Membership, Team, User
from labapp.accounts.tokens import api_secret
from labapp.workshop import rewards
from tests.integration.conftest import Lab
from tests.live.server import free_port, web

SOURCE = """
def reward(prompts, completions, answer=None, **columns):
    seen = answer if answer is not None else [None] * len(completions)
    return [{"right": float(text == one), "letters": len(text) / 10} if text else None
            for text, one in zip(completions, seen)]
"""
PROMPT = "<|im_start|>user\n1+1=<|im_end|>\n<|im_start|>assistant\n"
Address = Callable[[str], str]


@pytest.fixture
def address(transactional_db: None, lab: Lab, tmp_path: Path) -> Iterator[Address]:
    """The address of a saved reward, with a token in it, while web process and warm worker run."""
    team = Team.objects.create(name="Lab", slug="lab")
    alice = User.objects.create_user("alice@example.org", name="Alice")
    Membership.objects.create(user=alice, team=team, role="owner")
    version = rewards.create(team, alice, "right", SOURCE)
    _, secret = api_secret(alice, team, "trainer")
    port = free_port()
    with lab.worker("quick"), web(lab.environment, port, tmp_path / "web.log"):
        yield lambda query: f"http://token:{secret}@127.0.0.1:{port}/api/v1/rewards/{version.reference}/score{query}"


def post(url: str, data: dict[str, Any]) -> dict[str, Any]:
    """As the client does, which would try again after any of these errors."""
    response = requests.post(url=url, json=data, headers={"Content-Type": "application/json"}, timeout=180)
    response.raise_for_status()
    assert response.headers["Content-Type"].startswith("application/json"), "aiohttp reads no other kind as JSON"
    made: dict[str, Any] = response.json()
    return made


def test_it_is_read_as_the_clients_read_it(address: Address) -> None:
    url = address("")
    ends = [f"{PROMPT}2<|im_end|>", f"{PROMPT}31<|im_end|><|endoftext|><|endoftext|>", f"{PROMPT}2"]
    batch = {"query": ends, "prompts": [PROMPT] * 3, "labels": ["2"] * 3}

    made = post(url, batch)  # 0.6 to 0.8: a batch, its answers put together as tensors
    rewards_N = torch.cat([torch.as_tensor(info["rewards"]) for info in [made, made]], dim=0)
    assert rewards_N.tolist() == pytest.approx([1.1, 0.2, 1.1] * 2)
    assert torch.as_tensor(made["scores"]).tolist() == pytest.approx([1.1, 0.2, 1.1])
    logs = {name: torch.as_tensor(column) for name, column in made["extra_logs"].items()}
    assert {name: value_N.shape for name, value_N in logs.items()} == {"right": (3,), "letters": (3,)}

    for text, value in zip(ends, (1.1, 0.2, 1.1), strict=True):  # since 0.9: one at a time, lists of one
        info = post(url, {"query": [text], "prompts": [PROMPT], "labels": ["2"]})
        output = {"reward": info.get("rewards"), "scores": info.get("scores") or info.get("rewards")}
        assert torch.tensor([output["reward"]]).flatten().tolist() == pytest.approx([value])
        assert torch.tensor([output["scores"]]).numel() == 1
        assert all(torch.tensor([each]).numel() == 1 for each in (info.get("extra_logs") or {}).values())

    for body in ({"query": ["2", "abc"]}, {"queries": ["2", "abc"], "prompts": ["", ""]}):  # 0.3 to 0.5
        assert torch.tensor(post(url, body)["rewards"]).tolist() == pytest.approx([0.1, 0.3])


def test_where_a_reward_does_not_apply_the_client_needs_a_number(address: Address) -> None:
    nothing = {"query": [f"{PROMPT}<|im_end|>"], "prompts": [PROMPT], "labels": ["2"]}
    assert post(address(""), nothing)["rewards"] == [None]
    made = post(address("?none=0"), nothing)
    assert torch.tensor(made["rewards"]).tolist() == [0.0]
    assert all(torch.tensor(column).tolist() == [0.0] for column in made["extra_logs"].values())


def test_a_wrong_token_ends_the_clients_tries(address: Address) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        post(address("").replace("merit_", "merit_x"), {"query": ["2"]})
