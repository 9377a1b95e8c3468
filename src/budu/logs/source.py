"""Whose log it is: what tags and attributes are made of.

Source: Docker's "Customize log driver output" (tag templates), `labels`, `labels-regex`, `env`,
`env-regex` of the logging drivers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from budu.base.errors import InvalidArgument

DEFAULT_TAG = "{{.ID}}"
"""What senders call a container unless `tag` says otherwise."""
_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_CALL = re.compile(
    r"(?:(?P<function>lower|upper|title|json|truncate) +)?\.(?P<field>\w+)(?: +(?P<size>\d+))?"
)
_FUNCTIONS: dict[str, Callable[[str, int], str]] = {
    "": lambda text, _: text,
    "lower": lambda text, _: text.lower(),
    "upper": lambda text, _: text.upper(),
    "title": lambda text, _: text.title(),
    "json": lambda text, _: msgspec.json.encode(text).decode(),
    "truncate": lambda text, size: text[:size],
}
_INDEX = re.compile(r'\(?index \.ContainerLabels "([^"]*)"\)?')


class LogSource(Struct, frozen=True, kw_only=True):
    """One container, as log servers are told of it."""

    id: str
    """All 64 hex digits."""
    name: str
    """Without a leading slash."""
    image_id: str
    """With `sha256:`."""
    image_name: str
    """As it was given at the create."""
    command: str
    """Program and arguments in one line."""
    created: str
    """RFC 3339."""
    hostname: str
    """The host's name."""
    labels: Mapping[str, str]
    """Of the container."""
    env: Mapping[str, str]
    """Of the container."""
    options: Mapping[str, str]
    """Log options."""

    def tag(self, default: str = DEFAULT_TAG) -> str:
        """The `tag` option filled in.

        Raises: InvalidArgument for a malformed template or an unknown field.
        """
        template = self.options.get("tag") or default
        return _ACTION.sub(lambda action: self._value(action[1]), template)

    def _value(self, action: str) -> str:
        labelled = _INDEX.fullmatch(action)
        if labelled:
            return self.labels.get(labelled[1], "")
        call = _CALL.fullmatch(action)
        value = self._fields().get(call["field"]) if call else None
        if call is None or value is None:
            raise InvalidArgument(
                f"failed to initialize logging driver: template: log-tag: cannot evaluate {action}"
            )
        return _FUNCTIONS[call["function"] or ""](value, int(call["size"] or 0))

    def _fields(self) -> dict[str, str]:
        image = self.image_id
        return {
            "ID": self.id[:12],
            "FullID": self.id,
            "ContainerID": self.id,
            "Name": self.name,
            "ContainerName": f"/{self.name}",
            "ImageID": image[:12],
            "ImageFullID": image,
            "ContainerImageID": image,
            "ImageName": self.image_name,
            "ContainerImageName": self.image_name,
            "Command": self.command,
            "DaemonName": "docker",
        }

    def attributes(self, key_form: Callable[[str], str] = str) -> dict[str, str]:
        """The labels and variables that the options choose, sorted by name."""
        options = self.options
        chosen = _choose(self.labels, options.get("labels"), options.get("labels-regex"))
        chosen |= _choose(self.env, options.get("env"), options.get("env-regex"))
        return {key_form(key): chosen[key] for key in sorted(chosen)}

    def details(self) -> dict[str, str]:
        """The attributes, and the tag when one was asked for: what comes with every line."""
        tag = {"tag": self.tag()} if self.options.get("tag") else {}
        return dict(sorted((self.attributes() | tag).items()))


def _choose(values: Mapping[str, str], names: str | None, pattern: str | None) -> dict[str, str]:
    wanted = set((names or "").split(","))
    matches = re.compile(pattern).search if pattern else None
    return {
        key: value
        for key, value in values.items()
        if key in wanted or (matches is not None and matches(key))
    }


def check_tag(template: str) -> None:
    """Raises: InvalidArgument for a template that no container could fill in."""
    empty = LogSource(
        id="", name="", image_id="", image_name="", command="", created="", hostname="",
        labels={}, env={}, options={"tag": template},
    )  # fmt: skip
    if "{{" in empty.tag():
        raise InvalidArgument(
            "failed to initialize logging driver: template: log-tag:1: unclosed action"
        )


def check_pattern(text: str) -> None:
    """Raises: InvalidArgument for a malformed regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise InvalidArgument(f"error parsing regexp: {error}: `{text}`") from None
