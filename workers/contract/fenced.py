"""Where in a completion code stands: in the answer's tag, in the last block between fences, or the whole of it."""

FENCE = "```"
LANGUAGES = {"sql": ("sql", "sqlite", "duckdb", ""), "python": ("python", "py", "python3", "")}


def answer_of(text: str) -> str:
    """What the last `<answer>` tag holds, to its end where it is not closed; the whole text where there is none."""
    _, tag, inside = text.rpartition("<answer>")
    return inside.partition("</answer>")[0] if tag else text


def last_block(text: str, language: str) -> str | None:
    """What stands in the last closed block between fences that is in this language or in none that is named."""
    parts = text.split(FENCE)
    closed = parts[1 : len(parts) - 1 : 2]
    found = (_inside(part, LANGUAGES[language]) for part in reversed(closed))
    return next((block for block in found if block is not None), None)


def code_in(text: str, language: str) -> str:
    """The last block of the answer, else the whole answer."""
    answer = answer_of(text)
    block = last_block(answer, language)
    return (answer if block is None else block).strip()


def _inside(part: str, names: tuple[str, ...]) -> str | None:
    """A block without the name of its language; None where that is another."""
    head, line, body = part.partition("\n")
    if line:
        return body if head.strip().lower() in names else None
    word, _, rest = part.partition(" ")  # all in one line
    return rest if word and word.lower() in names else part
