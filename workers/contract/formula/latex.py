"""A formula as LaTeX, for the pages."""

from workers.contract.formula.nodes import Binary, Call, Formula, Name, Negative, Node, Number
from workers.contract.formula.words import NAMES

BETWEEN = r",\quad "  # stands between lines and nowhere else
LOOSE, SUM, PRODUCT, TIGHT = range(4)
SIGNS = {"+": "+", "-": "-", "<": "<", "<=": r"\le ", ">": ">", ">=": r"\ge ", "==": "=", "!=": r"\ne "}
PLAIN = {"exp": r"\exp", "log": r"\ln", "tanh": r"\tanh", "sigmoid": r"\sigma", "clip": r"\mathrm{clip}"}
OVER = {"mean": r"\mathrm{mean}", "std": r"\mathrm{std}", "sum": r"\sum", "min": r"\min", "max": r"\max"}


def latex(formula: Formula) -> str:
    """The lines and the value, `A =` or `\\ell =` before the latter."""
    left = "A" if formula.kind == "credit" else r"\ell"
    lines = [f"{_own(name)} = {_written(node, LOOSE)}" for name, node in formula.lines]
    return BETWEEN.join([*lines, f"{left} = {_written(formula.value, LOOSE)}"])


def _own(name: str) -> str:
    return r"\mathrm{" + name.replace("_", r"\_") + "}"


def _written(node: Node, around: int) -> str:
    """The node, in brackets where what stands around it binds more tightly."""
    if isinstance(node, Number):
        return _number(node.value)
    if isinstance(node, Name):
        return NAMES[node.name].latex if node.name in NAMES else _own(node.name)
    if isinstance(node, Negative):
        return _wrapped(f"-{_written(node.inner, PRODUCT)}", SUM, around)
    if isinstance(node, Call):
        return _called(node)
    return _binary(node, around)


def _binary(node: Binary, around: int) -> str:
    if node.sign == "/":
        return rf"\frac{{{_written(node.left, LOOSE)}}}{{{_written(node.right, LOOSE)}}}"
    if node.sign == "**":
        return f"{{{_written(node.left, TIGHT)}}}^{{{_written(node.right, LOOSE)}}}"
    if node.sign == "*" and isinstance(node.left, Negative):  # -a b, where (-a) b would be read alike
        product = Binary("*", node.left.inner, node.right, node.shape)
        return _wrapped(f"-{_written(product, PRODUCT)}", SUM, around)
    if node.sign == "*":
        return _wrapped(rf"{_written(node.left, PRODUCT)}\,{_written(node.right, PRODUCT)}", PRODUCT, around)
    level = SUM if node.sign in "+-" else LOOSE
    right = _written(node.right, PRODUCT if node.sign == "-" else level)
    right = f"({right})" if right.startswith("-") else right
    text = f"{_written(node.left, level)} {SIGNS[node.sign]} {right}"
    return _wrapped(text, level, around) if node.sign in "+-" else rf"[{text}]"


def _called(node: Call) -> str:
    inner = ", ".join(_written(argument, LOOSE) for argument in node.arguments)
    if node.scope:
        return rf"{OVER.get(node.function) or _own(node.function)}_{{\mathrm{{{node.scope}}}}}({inner})"
    if node.function == "sqrt":
        return rf"\sqrt{{{inner}}}"
    if node.function == "abs":
        return rf"|{inner}|"
    name = PLAIN.get(node.function) or (
        rf"\{node.function}" if node.function in ("min", "max") else _own(node.function)
    )
    return f"{name}({inner})"


def _wrapped(text: str, level: int, around: int) -> str:
    return f"({text})" if level < around else text


def _number(value: float) -> str:
    text = f"{value:g}"
    if "e" not in text:
        return text
    digits, _, power = text.partition("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}" if digits != "1" else rf"10^{{{int(power)}}}"
