"""Formula parts: credit or an objective as an expression over named streams, parsed against a closed list.

    parse("(r - mean(r, group)) / (std(r, group) + 1e-4)", "credit")

Nothing of a formula is ever run as Python: `reading.py` turns its text into the few nodes of `nodes.py`, and the engine
walks those. `words.py` lists every name and function there is.
"""

from workers.contract.formula.latex import latex
from workers.contract.formula.method import as_method
from workers.contract.formula.nodes import Binary, Call, Formula, Name, Negative, Node, Number, Shape
from workers.contract.formula.reading import FormulaError, parse
from workers.contract.formula.tracing import constant, streams
from workers.contract.formula.words import BOTH, FUNCTIONS, NAMES, OWN, REDUCTIONS, SCOPES, names_for

__all__ = [
    "BOTH", "FUNCTIONS", "NAMES", "OWN", "REDUCTIONS", "SCOPES", "Binary", "Call", "Formula", "FormulaError",
    "Name", "Negative", "Node", "Number", "Shape", "as_method", "constant", "latex", "names_for", "parse", "streams",
]  # fmt: skip
