"""Applies a parsed template to a value."""

from __future__ import annotations

from budu.cli.template.absent import look_up
from budu.cli.template.functions import FUNCTIONS, CallError, is_true, show
from budu.cli.template.lex import TemplateError
from budu.cli.template.structs import NilMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from budu.cli.template.parse import Node, Place

    Variables = dict[str, list[object]]
    """Name to a cell with the value: an inner scope is a copy that shares the outer's cells."""

_NOTHING = object()
_MAPS = frozenset(
    ("Annotations", "DriverOpts", "ExposedPorts", "Labels", "Networks", "Options", "PortBindings")
) | {"Ports", "Sysctls", "Tmpfs", "Volumes"}
"""Fields that are maps in Docker's types: a key that they lack is no error."""


def execute(text: str, nodes: list[Node], value: object, *, missing_is_error: bool) -> str:
    """The text that the nodes of the template `text` make of `value`. Raises: TemplateError."""
    run = _Run(text, missing_is_error)
    run.nodes(nodes, value, {"": [value]})
    return "".join(run.out)


class _Break(Exception):
    """`{{break}}`."""


class _Continue(Exception):
    """`{{continue}}`."""


class _Run:
    def __init__(self, text: str, missing_is_error: bool) -> None:
        self.out: list[str] = []
        self._text = text
        self._missing_is_error = missing_is_error

    def _error(self, place: Place, message: str) -> TemplateError:
        position, source = place
        before = self._text[:position]
        line, column = before.count("\n") + 1, position - before.rfind("\n") - 1
        return TemplateError(f'template: :{line}:{column}: executing "" at <{source}>: {message}')

    def nodes(self, nodes: list[Node], dot: object, variables: Variables) -> None:
        """Carry nodes out; a block has a scope of its own."""
        for node in nodes:
            match node[0]:
                case "text":
                    self.out.append(node[1])
                case "output":
                    self.out.append(show(self._pipeline(node[1], dot, variables)))
                case "set":
                    self._set(node, dot, variables)
                case "range":
                    self._range(node, dot, variables)
                case "break":
                    raise _Break
                case "continue":
                    raise _Continue
                case _:
                    self._branch(node, dot, variables)

    def _set(self, node: Node, dot: object, variables: Variables) -> None:
        _, name, pipeline, is_new = node
        value = self._pipeline(pipeline, dot, variables)
        if is_new:
            variables[name] = [value]
        else:
            variables[name][0] = value

    def _branch(self, node: Node, dot: object, variables: Variables) -> None:
        kind, pipeline, names, body, otherwise = node
        value = self._pipeline(pipeline, dot, variables)
        scope = {**variables, **{name: [value] for name in names}}
        if is_true(value):
            self.nodes(body, value if kind == "with" else dot, scope)
        else:
            self.nodes(otherwise, dot, scope)

    def _range(self, node: Node, dot: object, variables: Variables) -> None:
        _, pipeline, names, body, otherwise = node
        subject = self._pipeline(pipeline, dot, variables)
        try:
            items = list(_items(subject))
        except CallError as error:
            raise self._error(pipeline[-1][1], str(error)) from None
        for key, value in items:
            given = (key, value) if len(names) == 2 else (value,)
            scope = {
                **variables,
                **{name: [each] for name, each in zip(names, given, strict=False)},
            }
            try:
                self.nodes(body, value, scope)
            except _Continue:
                continue
            except _Break:
                break
        if not items:
            self.nodes(otherwise, dot, dict(variables))

    def _pipeline(self, pipeline: list[Node], dot: object, variables: Variables) -> object:
        value: object = _NOTHING
        for operands, place in pipeline:
            value = self._command(operands, place, dot, variables, value)
        return value

    def _command(
        self, operands: list[Node], place: Place, dot: object, variables: Variables, piped: object
    ) -> object:
        first, *rest = operands
        if first[0] == "call" and first[1] in ("and", "or"):
            return self._lazy(first[1], rest, dot, variables, piped)
        if first[0] == "call":
            arguments = self._arguments(rest, dot, variables, piped)
            return self._call(first[1], place, arguments)
        if first[:2] == ("value", None):
            raise self._error(place, "nil is not a command")
        value = self._operand(first, dot, variables)
        arguments = self._arguments(rest, dot, variables, piped)
        if callable(value):
            return value(*arguments)
        if arguments:
            source = first[-1][1]
            name = source.rpartition(".")[2]
            is_field = first[0] in ("field", "variable")
            problem = f"{name} is not a method but has arguments"
            raise self._error(
                first[-1],
                problem if is_field else f"can't give argument to non-function {source}",
            )
        return value

    def _arguments(
        self, operands: list[Node], dot: object, variables: Variables, piped: object
    ) -> list[object]:
        values = [self._operand(each, dot, variables) for each in operands]
        return values if piped is _NOTHING else [*values, piped]

    def _call(self, name: str, place: Place, arguments: list[object]) -> object:
        try:
            return FUNCTIONS[name](*arguments)
        except CallError as error:
            raise self._error(place, f"error calling {name}: {error}") from None
        except TypeError:
            problem = f"wrong number of args for {name}: got {len(arguments)}"
            raise self._error(place, problem) from None

    def _lazy(
        self, name: str, operands: list[Node], dot: object, variables: Variables, piped: object
    ) -> object:
        value: object = None
        for operand in operands:
            value = self._operand(operand, dot, variables)
            if is_true(value) == (name == "or"):
                return value
        return value if piped is _NOTHING else piped

    def _operand(self, operand: Node, dot: object, variables: Variables) -> object:
        match operand[0]:
            case "dot":
                return dot
            case "value":
                return operand[1]
            case "field":
                return self._fields(dot, operand[1], operand[2])
            case "variable":
                return self._fields(variables[operand[1]][0], operand[2], operand[3])
            case "pipeline":
                value = self._pipeline(operand[1], dot, variables)
                return self._fields(value, operand[2], operand[3])
            case _:
                return self._command([operand], operand[2], dot, variables, _NOTHING)

    def _fields(self, value: object, names: list[str], place: Place) -> object:
        owner = ""
        for name in names:
            if isinstance(value, dict):
                value = value[name] if name in value else self._absent(value, name, owner, place)
                if value is None and name in _MAPS and owner not in _MAPS:
                    value = NilMap()
            elif value is not None:
                problem = f"can't evaluate field {name} in type interface {{}}"
                raise self._error(place, problem)
            elif self._missing_is_error:
                raise self._error(place, f"nil pointer evaluating interface {{}}.{name}")
            owner = name
        return value

    def _absent(self, value: dict[str, object], name: str, owner: str, place: Place) -> object:
        """What a key stands for that is not there. Raises: TemplateError."""
        if owner in _MAPS or not self._missing_is_error:
            return None
        try:
            return look_up(value, name)
        except KeyError:
            raise self._error(place, f'map has no entry for key "{name}"') from None


def _items(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, dict):
        yield from ((key, value[key]) for key in sorted(value))
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from ((n, n) for n in range(value))
    elif value is not None:
        raise CallError(f"range can't iterate over {show(value)}")
