"""Tables as downloads: lines of CSV that stream, under a name that any run may have."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header


class _Echo:
    """Gives back each line that the CSV writer writes, so that a table of any length streams."""

    def write(self, line: str) -> str:
        return line


def csv_answer(rows: Iterable[list[Any]], name: str) -> StreamingHttpResponse:
    """`rows` as a download called `name`."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        for row in rows:
            yield writer.writerow([_harmless(cell) for cell in row])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = content_disposition_header(True, file_name(name)) or "attachment"
    return answer


def file_name(name: str) -> str:
    """`name` with spaces for what no header can carry, such as a line break."""
    return "".join(letter if letter.isprintable() else " " for letter in name)


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets a quote before it."""
    return "'" + cell if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell
