"""Length band, by hand."""

import pytest

from tests.workers.scored import scored


def test_it_falls_along_a_line_on_both_sides() -> None:
    """Full from 8 to 12, nothing 4 away: 5 is 3 away and earns a quarter, 14 is 2 away and earns a half."""
    lengths = [0, 4, 5, 7, 8, 10, 12, 13, 14, 16, 900]
    found = scored("length_band", ["x"] * 11, lengths=lengths, shortest=8, room=4, fall=4)
    assert found == [0.0, 0.0, 0.25, 0.75, 1.0, 1.0, 1.0, 0.75, 0.5, 0.0, 0.0]


def test_without_a_fall_the_band_ends_at_once_and_without_room_it_is_one_length() -> None:
    assert scored("length_band", ["x"] * 4, lengths=[2, 3, 4, 5], shortest=3, room=1, fall=0) == [0.0, 1.0, 1.0, 0.0]
    assert scored("length_band", ["x"] * 3, lengths=[2, 3, 4], shortest=3, room=0, fall=2) == [0.5, 1.0, 0.5]


@pytest.mark.parametrize(("unit", "value"), [("tokens", 0.0), ("letters", 0.5), ("words", 1.0)])
def test_tokens_letters_and_words_are_counted(unit: str, value: float) -> None:
    """`so it  is` has 3 words and 9 letters, blanks included; it is said to have 50 tokens."""
    assert scored("length_band", ["so it  is"], lengths=[50], shortest=3, room=2, fall=8, unit=unit) == [value]
