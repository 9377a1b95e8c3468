"""One line of comma-separated values with quotes, as Go's `encoding/csv` reads it. Light."""

from __future__ import annotations

from budu.base.errors import InvalidArgument


def read_fields(text: str) -> list[str]:
    """The fields of a line.

    Raises: InvalidArgument with Go's sentences.
    """
    line = text.partition("\n")[0]
    if not line:
        raise InvalidArgument("EOF")
    fields: list[str] = []
    position = 0
    while True:
        if line[position : position + 1] == '"':
            field, position = _quoted(line, position + 1)
        else:
            end = line.find(",", position)
            end = len(line) if end < 0 else end
            field, position = line[position:end], end
            if '"' in field:
                column = position - len(field) + field.index('"') + 1
                raise InvalidArgument(
                    f'parse error on line 1, column {column}: bare " in non-quoted-field'
                )
        fields.append(field)
        if position >= len(line):
            return fields
        position += 1


def _quoted(line: str, start: int) -> tuple[str, int]:
    field = ""
    while True:
        end = line.find('"', start)
        if end < 0:
            raise InvalidArgument(
                f'parse error on line 1, column {len(line) + 1}: extraneous or missing " '
                "in quoted-field"
            )
        field += line[start:end]
        if line[end + 1 : end + 2] == '"':
            field += '"'
            start = end + 2
            continue
        if line[end + 1 : end + 2] not in ("", ","):
            raise InvalidArgument(
                f'parse error on line 1, column {end + 1}: extraneous or missing " in quoted-field'
            )
        return field, end + 1
