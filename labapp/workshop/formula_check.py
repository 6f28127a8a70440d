"""The text of a formula as pages show it: its MathML and what it needs, or the place where it cannot be read."""

import re
from dataclasses import dataclass, field

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from labapp.workshop.mathml import mathml
from workers.contract.formula import FormulaError, Shape, latex, parse
from workers.contract.formula.latex import BETWEEN

OF_NEEDS = {
    "value_NT": "a critic, which the run must have as a companion",
    "ref_logp_NT": "the reference policy: a second copy of the model, read once for each completion",
    "progress": "the progress of the run",
}
SHAPES = {Shape.NUMBER: "the step", Shape.COMPLETION: "completion", Shape.TOKEN: "token"}
WORD = re.compile(r"\w+|\S")


@dataclass(frozen=True)
class Slip:
    """Where a text cannot be read: line and column (both from 1), the line as it is before, at and after the place."""

    line: int
    column: int
    what: str
    mend: str
    before: str
    at: str
    after: str

    @property
    def caret(self) -> str:
        """The line below that points at the place."""
        return " " * len(self.before) + "^" * max(1, len(self.at))


@dataclass(frozen=True)
class Checked:
    """What a text is: a formula (then `math`, and what follows from it), or none (then `slip`)."""

    text: str
    kind: str
    slip: Slip | None = None
    math: SafeString | None = None
    needs: list[str] = field(default_factory=list)
    each: str = ""
    curves: list[str] = field(default_factory=list)


def checked(text: str, kind: str) -> Checked:
    """What `text` is as a formula of `kind` (`credit` or `objectives`). Nothing is computed."""
    try:
        formula = parse(text, kind)
    except FormulaError as error:
        return Checked(text, kind, slip(text, error))
    return Checked(
        text,
        kind,
        math=line_by_line(latex(formula)),
        needs=[OF_NEEDS[need] for need in formula.needs],
        each=SHAPES[formula.value.shape],
        curves=[name for name, _ in formula.lines],
    )


def line_by_line(written: str) -> SafeString:
    """MathML of a formula's LaTeX (see `workers.contract.formula.latex`), each of its lines below the last."""
    return format_html_join("", "{}", ((mathml(line),) for line in written.split(BETWEEN)))


def slip(text: str, error: FormulaError) -> Slip:
    """The error with the line that it speaks of, cut at its place."""
    lines = text.replace("\r\n", "\n").replace("\t", " ").split("\n")
    line = lines[min(error.line, len(lines)) - 1]
    start = min(error.column - 1, len(line))
    found = WORD.match(line, start)
    end = start if found is None else found.end()
    return Slip(error.line, error.column, error.what, error.mend, line[:start], line[start:end], line[end:])
