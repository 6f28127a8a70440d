"""Formulas as MathML, made on the server from the LaTeX of method files, so that pages need no script for them."""

import re
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from latex2mathml import exceptions
from latex2mathml.converter import convert

FAULTS = tuple(one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, Exception))

# Browsers follow MathML Core, which knows no mathvariant but "normal": other alphabets are characters of their own.
# The converter writes most of them so, but not digits and slanted bold letters.
_VARIANT = re.compile(r'<(mi|mn) mathvariant="(double-struck|bold|bold-italic)">([A-Za-z0-9])</\1>')
_FIRST = {
    ("double-struck", "0"): "𝟘",
    ("bold", "0"): "𝟎",
    ("bold-italic", "A"): "𝑨",
    ("bold-italic", "a"): "𝒂",
}


@lru_cache(maxsize=512)
def mathml(latex: str, inline: bool = False) -> SafeString:
    """MathML of `latex`, which comes from a file of this project and never from a user (it is not escaped).

    A formula that cannot be converted is shown as its LaTeX text: a page with a plain formula beats no page.
    """
    try:
        made = convert(latex, display="inline" if inline else "block")
    except FAULTS:
        return format_html("<code>{}</code>", latex)
    return mark_safe(_VARIANT.sub(_letter, made))


def _letter(match: re.Match[str]) -> str:
    tag, variant, letter = match.groups()
    origin = "A" if letter.isupper() else "a" if letter.islower() else "0"
    first = _FIRST.get((variant, origin))
    changed = letter if first is None else chr(ord(first) + ord(letter) - ord(origin))
    return f"<{tag}>{changed}</{tag}>"
