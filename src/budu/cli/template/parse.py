"""Builds the tree of a template.

Nodes are tuples, first the kind:
    ("text", str)  ("output", pipeline)  ("set", name, pipeline, is_new)
    ("if", pipeline, body, otherwise)  ("with", …same)  ("range", pipeline, names, body, otherwise)
A pipeline is a list of commands, a command a list of operands:
    ("dot",) ("field", [names]) ("variable", name, [names]) ("value", constant)
    ("call", function name) ("pipeline", pipeline, [names])
"""

from __future__ import annotations

from budu.cli.template.lex import TemplateError, Token, split

__all__ = ["TemplateError", "parse"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Node = tuple[Any, ...]
    """Nodes are heterogeneous; the module's docstring lists them."""

_CONSTANTS = {"true": True, "false": False, "nil": None}
_BLOCKS = ("if", "range", "with")


def parse(text: str) -> list[Node]:
    """The nodes of a template. Raises: TemplateError."""
    parser = _Parser(split(text))
    nodes, ending = parser.nodes(top=True)
    assert not ending
    return nodes


class _Parser:
    def __init__(self, pieces: list[str | list[Token]]) -> None:
        self._pieces = pieces
        self._position = 0

    def nodes(self, *, top: bool = False) -> tuple[list[Node], list[Token]]:
        """Nodes up to `end` or `else`, and that action's tokens."""
        nodes: list[Node] = []
        while self._position < len(self._pieces):
            piece = self._pieces[self._position]
            self._position += 1
            if isinstance(piece, str):
                if piece:
                    nodes.append(("text", piece))
                continue
            tokens = _strip(piece)
            word = tokens[0].value if tokens and tokens[0].kind == "name" else ""
            if word in ("end", "else"):
                if top:
                    raise TemplateError(f"template: :1: unexpected {{{{{word}}}}}")
                return nodes, tokens
            nodes.append(self._block(str(word), tokens[1:]) if word in _BLOCKS else _action(tokens))
        if not top:
            raise TemplateError("template: :1: unexpected EOF")
        return nodes, []

    def _block(self, kind: str, tokens: list[Token]) -> Node:
        names, tokens = _declared(_strip(tokens), kind)
        pipeline = _Pipeline(tokens, f"missing value for {kind}").all()
        body, ending = self.nodes()
        otherwise: list[Node] = []
        if ending[0].value == "else":
            rest = _strip(ending[1:])
            if rest and rest[0].kind == "name" and rest[0].value in ("if", "with"):
                otherwise = [self._block(str(rest[0].value), rest[1:])]
            else:
                otherwise, ending = self.nodes()
        if kind == "range":
            return ("range", pipeline, names, body, otherwise)
        return (kind, pipeline, body, otherwise)


def _strip(tokens: list[Token]) -> list[Token]:
    start, end = 0, len(tokens)
    while start < end and tokens[start].kind == " ":
        start += 1
    while end > start and tokens[end - 1].kind == " ":
        end -= 1
    return tokens[start:end]


def _declared(tokens: list[Token], kind: str) -> tuple[list[str], list[Token]]:
    """`$i, $v := …` of a range: the names, and what follows."""
    if kind != "range":
        return [], tokens
    for index, token in enumerate(tokens):
        if token.kind == ":=":
            names = [str(each.value) for each in tokens[:index] if each.kind == "variable"]
            return names, _strip(tokens[index + 1 :])
    return [], tokens


def _action(tokens: list[Token]) -> Node:
    if not tokens:
        raise TemplateError("template: :1: missing value for command")
    if tokens[0].kind == "variable":
        rest = _strip(tokens[1:])
        if rest and rest[0].kind in (":=", "="):
            pipeline = _Pipeline(_strip(rest[1:]), "missing value for command").all()
            return ("set", tokens[0].value, pipeline, rest[0].kind == ":=")
    return ("output", _Pipeline(tokens, "missing value for command").all())


class _Pipeline:
    def __init__(self, tokens: list[Token], empty: str) -> None:
        self._tokens = tokens
        self._position = 0
        self._empty = empty

    def all(self) -> list[list[Node]]:
        pipeline = self._commands()
        if self._position < len(self._tokens):
            raise self._unexpected()
        return pipeline

    def _unexpected(self) -> TemplateError:
        value = self._tokens[self._position].value
        return TemplateError(f'template: :1: unexpected "{value}" in operand')

    def _peek(self) -> str:
        return self._tokens[self._position].kind if self._position < len(self._tokens) else ""

    def _skip(self) -> None:
        while self._peek() == " ":
            self._position += 1

    def _commands(self) -> list[list[Node]]:
        commands = []
        while True:
            commands.append(self._command())
            if self._peek() != "|":
                return commands
            self._position += 1

    def _command(self) -> list[Node]:
        operands = []
        self._skip()
        while self._peek() not in ("", "|", ")"):
            operands.append(self._operand())
            self._skip()
        if not operands:
            raise TemplateError(f"template: :1: {self._empty}")
        return operands

    def _operand(self) -> Node:
        token = self._tokens[self._position]
        self._position += 1
        match token.kind:
            case "field":
                return ("field", [token.value, *self._fields()])
            case "variable":
                return ("variable", token.value, self._fields())
            case "$":
                return ("variable", "", self._fields())
            case ".":
                return ("dot",)
            case "string" | "number":
                return ("value", token.value)
            case "name":
                name = str(token.value)
                return ("value", _CONSTANTS[name]) if name in _CONSTANTS else ("call", name)
            case "(":
                pipeline = self._commands()
                if self._peek() != ")":
                    raise TemplateError("template: :1: unclosed left paren")
                self._position += 1
                return ("pipeline", pipeline, self._fields())
        self._position -= 1
        raise self._unexpected()

    def _fields(self) -> list[str]:
        names = []
        while self._peek() == "field":
            names.append(str(self._tokens[self._position].value))
            self._position += 1
        return names
