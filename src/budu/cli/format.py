"""Lists under Docker's `--format`: a table, a table of one's own, JSON lines, or a template.

A row is a dict of strings (or callables, for `{{.Label "key"}}`). Light.
Source: docker docs, "Format command and log output"; docker/cli formatter package for the layout:
cells at least ten wide, three spaces apart.
"""

from __future__ import annotations

from budu.cli.failures import Exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TextIO

    Row = Mapping[str, object]
    Column = tuple[str, str]

_MIN_WIDTH, _GAP = 10, 3
_MALFORMED = 64
"""Exit status of an `inspect` whose template cannot be read, as the docker client has it."""


def print_rows(
    rows: Iterable[Row],
    out: TextIO,
    *,
    columns: Sequence[Column],
    headers: Mapping[str, object],
    form: str = "",
) -> None:
    """Print rows under `form`. `columns` are (field, header) of the default table; `headers` those
    of every field, for tables of the user's own.

    Raises: Exit for a malformed template.
    """
    if not form or form == "table":
        table = [[header for _, header in columns]]
        table += [[str(row[field]) for field, _ in columns] for row in rows]
        out.write(render_table(table))
    elif form.startswith(("table ", "table\t")):
        _print_own_table(rows, out, form[5:].strip(), headers)
    elif form == "json" or form.replace(" ", "") == "{{json.}}":
        _print_json(rows, out)
    else:
        _print_template(rows, out, form)


def render_table(rows: Sequence[Sequence[str]], *, min_width: int = _MIN_WIDTH) -> str:
    """Lines with aligned columns; the last column is not padded."""
    from budu.cli.terminal import display_width

    widths = [
        max(min_width, _GAP + max(display_width(row[index]) for row in rows))
        for index in range(len(rows[0]) - 1)
    ]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (width - display_width(cell))
            for cell, width in zip(row[:-1], widths, strict=True)
        ]
        lines.append("".join(cells) + row[-1])
    return "".join(f"{line}\n" for line in lines)


def _print_own_table(
    rows: Iterable[Row], out: TextIO, text: str, headers: Mapping[str, object]
) -> None:
    unescaped = text.replace("\\t", "\t").replace("\\n", "\n")
    _check(unescaped)
    lines = [_apply(unescaped, headers)] + [_apply(unescaped, row) for row in rows]
    table = [line.split("\t") for line in lines]
    width = max(map(len, table))
    out.write(render_table([cells + [""] * (width - len(cells)) for cells in table]))


def _print_json(rows: Iterable[Row], out: TextIO) -> None:
    from budu.client.json import dumps

    for row in rows:
        values = {key: row[key] for key in sorted(row) if not callable(row[key])}
        out.write(dumps(values).decode() + "\n")


def _print_template(rows: Iterable[Row], out: TextIO, text: str) -> None:
    apply = template_printer(text)
    for row in rows:
        out.write(apply(row) + "\n")


def template_printer(text: str) -> Callable[[Row], str]:
    """What applies a template to one row at a time, for output that has no end.

    Raises: Exit for a malformed template, at once.
    """
    unescaped = text.replace("\\t", "\t").replace("\\n", "\n")
    _check(unescaped)
    return lambda row: _apply(unescaped, row)


def _check(text: str) -> None:
    """A malformed template is an error even when there is no row."""
    from budu.cli.template import TemplateError, check

    try:
        check(text)
    except TemplateError as error:
        raise Exit(1, f"failed to parse template: {error}") from None


def _apply(text: str, value: Row) -> str:
    from budu.cli.template import TemplateError, render

    try:
        return render(text, value, missing_is_error=True)
    except TemplateError as error:
        from budu.base.suggest import nearest

        name = _missing_name(str(error))
        near = nearest(name, list(value)) if name else None
        hint = f" (did you mean .{near}?)" if near else ""
        raise Exit(1, f"failed to execute template: {error}{hint}") from None


def _missing_name(message: str) -> str:
    _, found, rest = message.partition('no entry for key "')
    return rest.rstrip('"') if found else ""


def print_inspected(
    objects: Sequence[object],
    out: TextIO,
    *,
    form: str = "",
    encode: Callable[[object], str] | None = None,
) -> None:
    """`inspect`: indented JSON, or a template for each object.

    Raises: Exit for a malformed template.
    """
    from budu.client.json import dumps

    if not form:
        out.write(indent_json(objects) + "\n")
        return
    if form == "json":
        out.write("".join(dumps(each).decode() + "\n" for each in objects))
        return
    from budu.cli.template import TemplateError, check, render

    try:
        check(form)
    except TemplateError as error:
        raise Exit(_MALFORMED, f"template parsing error: {error}") from None
    for each in objects:
        try:
            out.write(render(form, each, missing_is_error=True) + "\n")
        except TemplateError as error:
            raise Exit(1, f"template parsing error: {error}") from None


def indent_json(value: object, level: int = 0) -> str:
    """JSON with Docker's four spaces a level."""
    from budu.client.json import dumps

    inner, outer = "    " * (level + 1), "    " * level
    if isinstance(value, dict) and value:
        lines = [
            f"{inner}{dumps(key).decode()}: {indent_json(each, level + 1)}"
            for key, each in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, (list, tuple)) and value:
        return (
            "[\n"
            + ",\n".join(inner + indent_json(each, level + 1) for each in value)
            + f"\n{outer}]"
        )
    return dumps(value).decode()
