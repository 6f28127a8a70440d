"""Code is found where a completion says that it stands."""

import pytest

from workers.contract.fenced import answer_of, code_in, last_block


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("4", "4"),
        ("so <answer>4</answer> it is", "4"),
        ("<answer>4</answer><answer>5</answer>", "5"),
        ("<answer>4", "4"),
        ("</answer>4", "</answer>4"),
        ("", ""),
    ],
)
def test_an_answer_is_in_the_last_tag(text: str, answer: str) -> None:
    assert answer_of(text) == answer


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("```sql\nSELECT 1\n```", "SELECT 1\n"),
        ("```SQL\nSELECT 1\n``` and ```\nSELECT 2\n```", "SELECT 2\n"),
        ("```sql\nSELECT 1\n``` and ```python\nx = 1\n```", "SELECT 1\n"),
        ("```sql\nSELECT 1\n``` and ```sql\nSELECT 2", "SELECT 1\n"),
        ("```SELECT 1```", "SELECT 1"),
        ("```sql SELECT 1```", "SELECT 1"),
        ("``````", ""),
        ("```python\nx\n```", None),
        ("SELECT 1", None),
        ("```", None),
    ],
)
def test_the_last_closed_block_of_the_language(text: str, block: str | None) -> None:
    assert last_block(text, "sql") == block


def test_code_is_the_answer_s_last_block_or_all_of_the_answer() -> None:
    assert code_in("```sql\nSELECT 1\n```<answer> SELECT 2 </answer>", "sql") == "SELECT 2"
    assert code_in("x\n<answer>```py\nx = 1\n```</answer>", "python") == "x = 1"
    assert code_in(" SELECT 3\n", "sql") == "SELECT 3"
    assert len(code_in("```" * 100_000, "sql")) == 0
