"""Builds the tree of a template.

Nodes are tuples, first the kind:
    ("text", str)  ("output", pipeline)  ("set", name, pipeline, is_new)  ("break",)  ("continue",)
    ("if" | "with" | "range", pipeline, names, body, otherwise)
A pipeline is a list of commands, a command a tuple (operands, place). Operands, each with a place:
    ("dot",) ("field", [names]) ("variable", name, [names]) ("value", constant)
    ("call", function name) ("pipeline", pipeline, [names])
A place is (position in the template, source text): what errors point at.
"""

from __future__ import annotations

from budu.cli.template.functions import FUNCTIONS
from budu.cli.template.lex import TemplateError, Token, split

__all__ = ["TemplateError", "parse"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Node = tuple[Any, ...]
    """Nodes are heterogeneous; the module's docstring lists them."""
    Place = tuple[int, str]
    """Position in the template, source text."""

_CONSTANTS = {"true": True, "false": False, "nil": None}
_BLOCKS = ("if", "range", "with")
_LEAPS = ("break", "continue")
_LAZY = ("and", "or")


def parse(text: str) -> list[Node]:
    """The nodes of a template. Raises: TemplateError."""
    parser = _Parser(text)
    nodes, ending = parser.nodes(top=True)
    assert not ending
    return nodes


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces = split(text)
        self._position = 0
        self._variables = [""]
        self._loops = 0

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
            word = str(tokens[0].value) if tokens and tokens[0].kind == "name" else ""
            if word in ("end", "else"):
                if top:
                    raise TemplateError(f"template: :1: unexpected {{{{{word}}}}}")
                return nodes, tokens
            nodes.append(self._statement(word, tokens))
        if not top:
            raise TemplateError("template: :1: unexpected EOF")
        return nodes, []

    def _statement(self, word: str, tokens: list[Token]) -> Node:
        if word in _BLOCKS:
            return self._block(word, tokens[1:])
        if word in _LEAPS and len(tokens) == 1:
            if not self._loops:
                raise TemplateError(f"template: :1: {{{{{word}}}}} outside {{{{range}}}}")
            return (word,)
        return self._action(tokens)

    def _block(self, kind: str, tokens: list[Token]) -> Node:
        names, rest = _declared(_strip(tokens))
        pipeline = self._pipeline(rest, f"missing value for {kind}")
        known = len(self._variables)
        self._variables += names
        self._loops += kind == "range"
        body, ending = self.nodes()
        self._loops -= kind == "range"
        otherwise: list[Node] = []
        if ending[0].value == "else":
            otherwise = self._otherwise(kind, _strip(ending[1:]))
        del self._variables[known:]
        return (kind, pipeline, names, body, otherwise)

    def _otherwise(self, kind: str, tokens: list[Token]) -> list[Node]:
        if tokens and tokens[0].value == kind != "range":
            return [self._block(kind, tokens[1:])]
        if tokens:
            raise TemplateError(f"template: :1: unexpected <{tokens[0].value}> in input")
        known = len(self._variables)
        nodes, ending = self.nodes()
        del self._variables[known:]
        if ending[0].value == "else":
            raise TemplateError("template: :1: expected end; found {{else}}")
        return nodes

    def _action(self, tokens: list[Token]) -> Node:
        names, rest = _declared(tokens)
        if len(names) == 1:
            pipeline = self._pipeline(rest, "missing value for command")
            self._variables += names
            return ("set", names[0], pipeline, True)
        if len(tokens) > 1 and tokens[0].kind == "variable":
            rest = _strip(tokens[1:])
            if rest and rest[0].kind == "=":
                self._known(tokens[0])
                pipeline = self._pipeline(_strip(rest[1:]), "missing value for command")
                return ("set", tokens[0].value, pipeline, False)
        return ("output", self._pipeline(tokens, "missing value for command"))

    def _known(self, token: Token) -> str:
        name = str(token.value)
        if name not in self._variables:
            raise TemplateError(f'template: :1: undefined variable "${name}"')
        return name

    def _pipeline(self, tokens: list[Token], empty: str) -> list[Node]:
        for token in tokens:
            if token.kind == "variable":
                self._known(token)
        return _Pipeline(self._text, tokens, empty).all()


def _strip(tokens: list[Token]) -> list[Token]:
    start, end = 0, len(tokens)
    while start < end and tokens[start].kind == " ":
        start += 1
    while end > start and tokens[end - 1].kind == " ":
        end -= 1
    return tokens[start:end]


def _declared(tokens: list[Token]) -> tuple[list[str], list[Token]]:
    """`$i, $v := …`: the names, and what follows."""
    for index, token in enumerate(tokens):
        if token.kind == ":=":
            names = [str(each.value) for each in tokens[:index] if each.kind == "variable"]
            return names, _strip(tokens[index + 1 :])
    return [], tokens


class _Pipeline:
    def __init__(self, text: str, tokens: list[Token], empty: str) -> None:
        self._text = text
        self._tokens = tokens
        self._position = 0
        self._empty = empty

    def all(self) -> list[Node]:
        pipeline = self._commands()
        if self._position < len(self._tokens):
            raise self._unexpected()
        return pipeline

    def _unexpected(self) -> TemplateError:
        token = self._tokens[self._position]
        if token.kind == ")":
            return TemplateError("template: :1: unexpected right paren")
        return TemplateError(f'template: :1: unexpected "{token.value}" in operand')

    def _peek(self) -> str:
        return self._tokens[self._position].kind if self._position < len(self._tokens) else ""

    def _skip(self) -> None:
        while self._peek() == " ":
            self._position += 1

    def _commands(self) -> list[Node]:
        commands = [self._command()]
        while self._peek() == "|":
            self._position += 1
            commands.append(self._command())
        return commands

    def _command(self) -> Node:
        operands = []
        self._skip()
        start = end = self._position
        while self._peek() not in ("", "|", ")"):
            operands.append(self._operand())
            end = self._position
            self._skip()
        if not operands:
            raise TemplateError(f"template: :1: {self._empty}")
        return operands, self._place(start, end)

    def _place(self, start: int, end: int) -> Place:
        first, last = self._tokens[start], self._tokens[end - 1]
        return first.start, self._text[first.start : last.end]

    def _operand(self) -> Node:
        start = self._position
        token = self._tokens[start]
        self._position += 1
        match token.kind:
            case "field":
                names = [str(token.value), *self._fields()]
                return ("field", names, self._chain_place(start))
            case "variable" | "$":
                name = "" if token.kind == "$" else token.value
                return ("variable", name, self._fields(), self._chain_place(start))
            case ".":
                return ("dot", self._place(start, self._position))
            case "string" | "number":
                return ("value", token.value, self._place(start, self._position))
            case "name":
                return self._named(str(token.value), self._place(start, self._position))
            case "(":
                return self._parenthesized(start)
        self._position -= 1
        raise self._unexpected()

    def _named(self, name: str, place: Place) -> Node:
        if name in _CONSTANTS:
            return ("value", _CONSTANTS[name], place)
        if name not in FUNCTIONS and name not in _LAZY:
            raise TemplateError(f'template: :1: function "{name}" not defined')
        return ("call", name, place)

    def _parenthesized(self, start: int) -> Node:
        pipeline = self._commands()
        if self._peek() != ")":
            raise TemplateError("template: :1: unclosed left paren")
        self._position += 1
        return ("pipeline", pipeline, self._fields(), self._chain_place(start))

    def _fields(self) -> list[str]:
        names = []
        while self._peek() == "field":
            names.append(str(self._tokens[self._position].value))
            self._position += 1
        return names

    def _chain_place(self, start: int) -> Place:
        """Go points at the second field of a chain."""
        position, source = self._place(start, self._position)
        is_chain = self._position - start > 1
        return (self._tokens[start + 1].start if is_chain else position), source
