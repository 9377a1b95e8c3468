"""Applies a parsed template to a value."""

from __future__ import annotations

from budu.cli.template.functions import FUNCTIONS, is_true, show
from budu.cli.template.lex import TemplateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from budu.cli.template.parse import Node

_NOTHING = object()


def execute(nodes: list[Node], value: object, *, missing_is_error: bool) -> str:
    """The text that the nodes make of `value`. Raises: TemplateError."""
    run = _Run(value, missing_is_error)
    run.nodes(nodes, value, {"": value})
    return "".join(run.out)


class _Run:
    def __init__(self, root: object, missing_is_error: bool) -> None:
        self.out: list[str] = []
        self._root = root
        self._missing_is_error = missing_is_error

    def nodes(self, nodes: list[Node], dot: object, variables: dict[str, object]) -> None:
        """Carry nodes out; a block has a scope of its own."""
        for node in nodes:
            match node[0]:
                case "text":
                    self.out.append(node[1])
                case "output":
                    self.out.append(show(self._pipeline(node[1], dot, variables)))
                case "set":
                    variables[node[1]] = self._pipeline(node[2], dot, variables)
                case "range":
                    self._range(node, dot, variables)
                case kind:
                    self._branch(node, kind, dot, variables)

    def _branch(self, node: Node, kind: str, dot: object, variables: dict[str, object]) -> None:
        _, pipeline, body, otherwise = node
        value = self._pipeline(pipeline, dot, variables)
        if is_true(value):
            self.nodes(body, value if kind == "with" else dot, dict(variables))
        else:
            self.nodes(otherwise, dot, dict(variables))

    def _range(self, node: Node, dot: object, variables: dict[str, object]) -> None:
        _, pipeline, names, body, otherwise = node
        empty = True
        for key, value in _items(self._pipeline(pipeline, dot, variables)):
            empty = False
            scope = dict(variables)
            if len(names) == 2:
                scope[names[0]], scope[names[1]] = key, value
            elif names:
                scope[names[0]] = value
            self.nodes(body, value, scope)
        if empty:
            self.nodes(otherwise, dot, dict(variables))

    def _pipeline(
        self, pipeline: list[list[Node]], dot: object, variables: dict[str, object]
    ) -> object:
        value: object = _NOTHING
        for command in pipeline:
            value = self._command(command, dot, variables, value)
        return value

    def _command(
        self, command: list[Node], dot: object, variables: dict[str, object], piped: object
    ) -> object:
        first = command[0]
        if first[0] != "call":
            value = self._operand(first, dot, variables)
            given = [self._operand(each, dot, variables) for each in command[1:]]
            if callable(value):
                return value(*given)
            if given or piped is not _NOTHING:
                raise TemplateError("template: :1: can't give argument to non-function")
            return value
        name = first[1]
        if name in ("and", "or"):
            return self._lazy(name, command[1:], dot, variables, piped)
        function = FUNCTIONS.get(name)
        if function is None:
            raise TemplateError(f'template: :1: function "{name}" not defined')
        arguments = [self._operand(each, dot, variables) for each in command[1:]]
        if piped is not _NOTHING:
            arguments.append(piped)
        try:
            return function(*arguments)
        except TypeError:
            raise TemplateError(
                f"template: :1: wrong number of args for {name}: got {len(arguments)}"
            ) from None

    def _lazy(
        self,
        name: str,
        operands: list[Node],
        dot: object,
        variables: dict[str, object],
        piped: object,
    ) -> object:
        value: object = None
        for operand in operands:
            value = self._operand(operand, dot, variables)
            if is_true(value) == (name == "or"):
                return value
        return value if piped is _NOTHING else piped

    def _operand(self, operand: Node, dot: object, variables: dict[str, object]) -> object:
        match operand[0]:
            case "dot":
                return dot
            case "value":
                return operand[1]
            case "field":
                return self._fields(dot, operand[1])
            case "variable":
                if operand[1] not in variables:
                    raise TemplateError(f'template: :1: undefined variable "${operand[1]}"')
                return self._fields(variables[operand[1]], operand[2])
            case "pipeline":
                return self._fields(self._pipeline(operand[1], dot, variables), operand[2])
            case _:
                return self._command([operand], dot, variables, _NOTHING)

    def _fields(self, value: object, names: list[str]) -> object:
        for index, name in enumerate(names):
            path = "." + ".".join(names[: index + 1])
            if isinstance(value, dict):
                if name not in value and self._missing_is_error:
                    raise TemplateError(
                        f'template: :1:{len(path)}: executing "" at <{path}>: '
                        f'map has no entry for key "{name}"'
                    )
                value = value.get(name)
            elif value is None:
                if self._missing_is_error:
                    raise TemplateError(
                        f'template: :1: executing "" at <{path}>: nil pointer evaluating '
                        f"interface {{}}.{name}"
                    )
            else:
                raise TemplateError(
                    f'template: :1: executing "" at <{path}>: can\'t evaluate field {name}'
                )
        return value


def _items(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, dict):
        yield from ((key, value[key]) for key in sorted(value))
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from ((n, n) for n in range(value))
    elif value is not None:
        raise TemplateError(f"template: :1: range can't iterate over {show(value)}")
