"""What the sandbox takes and gives: limits, scores, and the ways in which users' code can fail."""

from dataclasses import dataclass, field
from typing import Any, Literal

from workers.contract.errors import RunError
from workers.contract.values import Span

Kind = Literal[
    "syntax", "raised", "timeout", "memory", "output", "crashed", "wrong_count", "not_a_number", "wrong_place"
]  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What one child may use. Times in seconds, sizes in bytes.

    `seconds` bounds a call; `sample_seconds` a single completion when a failed batch is tried again one at a time
    (all of these together: `seconds` once more); `start_seconds` bounds imports and module-level code; `cpu_seconds`
    is the processor time of one child's whole life (a child is renewed before it is used up); `piece_bytes` bounds the
    reply to one piece of work of a crew.
    """

    seconds: float = 10.0
    sample_seconds: float = 1.0
    start_seconds: float = 20.0
    cpu_seconds: int = 600
    memory_bytes: int = 1 << 30
    output_bytes: int = 1 << 20
    reply_bytes: int = 1 << 26
    piece_bytes: int = 1 << 20
    open_files: int = 64


class SandboxUnavailable(RunError):
    """The walls cannot be raised on this system, so users' code is not run."""

    def __init__(self, why: str) -> None:
        mend = (
            "Users' code needs Linux 5.13 or later with Landlock and seccomp. An operator who trusts everyone who "
            "writes code here may set MERIT_SANDBOX_UNWALLED=1."
        )
        super().__init__("sandbox", f"the walls around users' code cannot be raised: {why}.", mend)


class SandboxFault(RunError):
    """Users' code failed: how (`kind`), on which sample and in which of its own lines, where that could be found."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        sample_index: int | None = None,
        user_line: int | None = None,
        traceback_text: str = "",
    ) -> None:
        self.kind = kind
        self.message = message
        self.sample_index = sample_index
        self.user_line = user_line
        self.traceback_text = traceback_text
        known: dict[str, Any] = {"kind": kind, "index": sample_index, "line": user_line, "traceback": traceback_text}
        found = {key: value for key, value in known.items() if value is not None and value != ""}
        super().__init__("reward", message if user_line is None else f"line {user_line}: {message}", "", found)

    def at(self, sample_index: int | None) -> "SandboxFault":
        """The same fault, said of one sample."""
        return SandboxFault(self.kind, self.message, sample_index, self.user_line, self.traceback_text)


@dataclass(frozen=True)
class Scores:
    """One value a completion (None: does not apply, or failed), and what lies behind it.

    `components` holds the parts of a function that returns several, and the numbers that it logs, one list a part;
    `spans` say by index where in a completion its value arises, where the function told (its value is their sum);
    `faults` are all failures; `output` is what the code printed (its beginning); `seconds` the time that it all took;
    `notes` are by index texts that stood beside the numbers, a line each.
    """

    values: list[float | None]
    components: dict[str, list[float | None]] = field(default_factory=dict)
    faults: list[SandboxFault] = field(default_factory=list)
    seconds: float = 0.0
    spans: dict[int, list[Span]] = field(default_factory=dict)
    output: str = ""
    notes: dict[int, str] = field(default_factory=dict)

    def note(self, index: int, name: str, text: str) -> None:
        """Add a text under its name."""
        line = f"{name}: {text}"
        self.notes[index] = f"{self.notes[index]}\n{line}" if index in self.notes else line

    def failed(self) -> dict[int, str]:
        """A sentence for each completion that failed; a fault of the whole call is said of every completion."""
        found: dict[int, str] = {}
        for fault in self.faults:
            where = range(len(self.values)) if fault.sample_index is None else [fault.sample_index]
            found |= dict.fromkeys(where, fault.what)
        return found
