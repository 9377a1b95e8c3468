"""What of manifests and configs the tag's page shows. Pure: bytes in, values out.

A document that is not what its media type says has no such parts; the page shows the rest.
Source: OCI image-spec 1.1, manifest and config; Docker image manifest v2, schema 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

_NOP = "#(nop)"
_SHELLS = ("/bin/sh -c ", "cmd /S /C ", "/bin/bash -o pipefail -c ")


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A descriptor."""

    media_type: str = ""
    digest: str = ""
    size: int = 0
    artifact_type: str = ""
    annotations: dict[str, str] | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A manifest's parts."""

    config: Part | None = None
    layers: tuple[Part, ...] = ()
    annotations: dict[str, str] | None = None
    artifact_type: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an image's history."""

    created: str | None = None
    created_by: str = ""
    comment: str = ""
    empty_layer: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """How an image is run."""

    user: str = ""
    working_dir: str = ""
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    env: tuple[str, ...] | None = None
    exposed_ports: dict[str, object] | None = None
    volumes: dict[str, object] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str = ""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """An image's config."""

    created: str | None = None
    author: str = ""
    os: str = ""
    architecture: str = ""
    variant: str = ""
    config: Run | None = None
    history: tuple[Step, ...] | None = None


class ShownLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A step with the layer it made."""

    command: str
    created: str | None
    comment: str
    digest: str | None
    size_bytes: int


def read_manifest(payload: bytes) -> Manifest:
    """A manifest; an empty one for what is none."""
    try:
        return msgspec.json.decode(payload, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Manifest()


def read_config(payload: bytes) -> Config | None:
    """An image's config; None for what is none."""
    try:
        config = msgspec.json.decode(payload, type=Config)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return config if config.os or config.config or config.history else None


def shown_layers(manifest: Manifest, config: Config | None) -> tuple[ShownLayer, ...]:
    """The steps of the history with their layers, oldest first; layers that the history does not
    tell of come last, without a command."""
    parts = list(manifest.layers)
    shown = []
    for step in (config.history or ()) if config else ():
        part = None if step.empty_layer or not parts else parts.pop(0)
        shown.append(
            ShownLayer(
                command=command_of(step.created_by),
                created=step.created,
                comment=step.comment,
                digest=part.digest if part else None,
                size_bytes=part.size if part else 0,
            )
        )
    for part in parts:
        title = (part.annotations or {}).get("org.opencontainers.image.title", "")
        shown.append(
            ShownLayer(
                command=title, created=None, comment="", digest=part.digest, size_bytes=part.size
            )
        )
    return tuple(shown)


def command_of(created_by: str) -> str:
    """The instruction that a history entry tells of: `RUN apt-get update`, `CMD ["sh"]`.

    Builders write it in four ways: `/bin/sh -c #(nop)  CMD ["sh"]`, `/bin/sh -c apt-get update`,
    `RUN /bin/sh -c apt-get update # buildkit`, `CMD ["sh"]`; before a shell there may be arguments
    of the build: `|2 A=1 B=2 /bin/sh -c make`.
    """
    text = created_by.strip().removesuffix("# buildkit").strip()
    _, nop, instruction = text.partition(_NOP)
    if nop:
        return instruction.strip()
    for shell in _SHELLS:
        if text.startswith(shell):
            return f"RUN {text.removeprefix(shell).strip()}"
        if text.startswith(f"RUN {shell}"):
            return f"RUN {text.removeprefix(f'RUN {shell}').strip()}"
    if text.removeprefix("RUN ").startswith("|"):
        return _with_arguments(text)
    return text


def _with_arguments(text: str) -> str:
    for shell in _SHELLS:
        _, found, command = text.partition(shell)
        if found:
            return f"RUN {command.strip()}"
    return text


_KNOWN = frozenset(
    [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
        "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ]
)  # fmt: skip


def dockerfile(layers: Sequence[ShownLayer], config: Config | None) -> str:
    """A Dockerfile as far as history tells; what has no instruction stands as a comment.

    The first layer of a base without an instruction becomes `FROM scratch` with its archive.
    """
    if config is None or not config.history:
        return ""
    lines = [] if layers and layers[0].command.startswith("FROM") else ["FROM scratch"]
    for layer in layers:
        word = layer.command.split(None, 1)[0] if layer.command else ""
        if word in _KNOWN:
            lines.append(_folded(layer.command))
        elif layer.command or layer.comment:
            note = " ".join((layer.command or layer.comment).split())
            lines.append(f"# {note}")
    return "\n".join(lines) + "\n"


def _folded(command: str) -> str:
    """A command over several lines where it says `&&`."""
    text = " ".join(command.split())
    return text.replace(" && ", " \\\n && ") if len(text) > 100 else text
