"""What people write beside a completion to say whether it is right."""

YES = {"true", "yes", "1", "1.0", "correct", "right"}
NO = {"false", "no", "0", "0.0", "incorrect", "wrong"}


def read_label(value: object, place: str) -> float | None:
    """1.0 right, 0.0 wrong or a share between them; None where nothing stands; ValueError for other values."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | int | float):
        if not 0 <= value <= 1:
            raise ValueError(f"{place} is {value:g}; a label is yes, no or a share between 0 and 1")
        return float(value)
    word = str(value).strip().lower()
    if word in YES or word in NO:
        return float(word in YES)
    raise ValueError(f"{place} is neither yes, no nor a number: {word[:40]!r}")
