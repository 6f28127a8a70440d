"""How a user's reward function wants to be called, or the fault that keeps its source from being used."""

from workers.contract.rewardcode import Mark, Signature, check, signature_of
from workers.sandbox.records import SandboxFault

__all__ = ["Mark", "Signature", "check", "read_signature"]


def read_signature(source: str) -> Signature:
    """How to call the reward function of a source; SandboxFault (`syntax`) with the first mark where there are any."""
    marks = check(source)
    if marks:
        raise SandboxFault("syntax", marks[0].message, None, marks[0].line)
    return signature_of(source)
