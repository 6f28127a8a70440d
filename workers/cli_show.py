"""What the command line shows while a run goes on: a progress bar on a terminal, events as JSON lines when piped."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Tell = Callable[[dict[str, Any]], None]
COLUMNS = (TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


@contextmanager
def showing(steps: int) -> Iterator[Tell]:
    """A function to tell each event to; `steps` is how many there will be (0: an analysis without steps)."""
    if not sys.stdout.isatty():
        yield _print
        return
    console = Console()
    with Progress(*COLUMNS, TimeRemainingColumn(), console=console) as progress:
        yield _Bars(progress, steps).tell


def _print(row: dict[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)


class _Bars:
    """One bar for the steps, one for whatever is done beside them."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self.progress = progress
        self.steps = progress.add_task("steps", total=steps) if steps else None
        self.other = progress.add_task("loading", total=None)

    def tell(self, row: dict[str, Any]) -> None:
        """Show one event."""
        kind, data = row["kind"], row["data"]
        if kind == "progress":
            self.progress.update(
                self.other, description=data["phase"], completed=data["done"], total=data["total"], visible=True
            )
        elif kind == "metrics":
            self._metrics(row["step"], data["values"])
        elif kind in ("note", "trouble"):
            self.progress.console.print(data["text"] if kind == "note" else f"[yellow]{data['where']}: {data['what']}")

    def _metrics(self, step: int, values: dict[str, float]) -> None:
        shown = [f"{name} {values[name]:.3f}" for name in ("reward/total", "heldout/accuracy") if name in values]
        if self.steps is not None:
            self.progress.update(self.steps, completed=step, description=" ".join(shown) or "steps")
            self.progress.update(self.other, visible=False)
