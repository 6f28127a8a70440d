"""What stands between tags, found in one pass: what a policy writes must not keep a reward busy.

A pattern with a lazy middle would read on to the end of the text from every tag that is opened and never closed.
"""


def first_inside(text: str, tag: str) -> str | None:
    """What the first `<tag>` that is closed holds; None where none is."""
    _, opened, rest = text.partition(f"<{tag}>")
    inside, closed, _ = rest.partition(f"</{tag}>")
    return inside if opened and closed else None


def without(text: str, tag: str) -> str:
    """A text without its tags of this name, each up to where it is first closed, and what stands in them."""
    opening, closing = f"<{tag}>", f"</{tag}>"
    kept, at = [], 0
    while (start := text.find(opening, at)) >= 0 and (end := text.find(closing, start)) >= 0:
        kept.append(text[at:start])
        at = end + len(closing)
    return "".join([*kept, text[at:]])
