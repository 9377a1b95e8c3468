"""An image's config as a recipe's instructions make it. Pure; values, never changed in place.

Source: OCI image-spec 1.1, config.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from budu.hub.seed.dockerfile import Instruction

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True)
class Layer:
    """A layer's names and where its packed form lies."""

    digest: str
    diff_id: str
    size: int
    path: str
    """The gzip file."""
    tree: str
    """The unpacked layer, as overlay takes it."""


@dataclass(frozen=True)
class Image:
    """A config under way. `layers` lowest first."""

    config: dict[str, Json] = field(default_factory=dict)
    history: tuple[dict[str, Json], ...] = ()
    layers: tuple[Layer, ...] = ()

    def with_layer(self, layer: Layer, told: str) -> Image:
        """With one more layer on top."""
        entry: dict[str, Json] = {"created_by": told}
        return replace(self, layers=(*self.layers, layer), history=(*self.history, entry))

    def with_setting(self, instruction: Instruction) -> Image:
        """With what an instruction says that touches no file."""
        entry: dict[str, Json] = {"created_by": instruction.source, "empty_layer": True}
        config = {**self.config, **_change(self.config, instruction)}
        return replace(self, config=config, history=(*self.history, entry))

    def environment(self) -> dict[str, str]:
        """The variables so far."""
        listed = self.config.get("Env", [])
        pairs = [str(line).partition("=") for line in listed] if isinstance(listed, list) else []
        return {name: value for name, _, value in pairs}

    def work_folder(self) -> str:
        """Where commands run."""
        return str(self.config.get("WorkingDir") or "/")

    def document(self, *, architecture: str, created: str) -> dict[str, Json]:
        """The whole config."""
        diff_ids: list[Json] = [layer.diff_id for layer in self.layers]
        history: list[Json] = [{"created": created, **entry} for entry in self.history]
        return {
            "created": created,
            "architecture": architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history,
        }


def _change(config: dict[str, Json], instruction: Instruction) -> dict[str, Json]:
    """The keys of the config that an instruction sets, whole."""
    match instruction.word:
        case "ENV":
            return {"Env": _merged_environment(config.get("Env"), instruction.pairs())}
        case "LABEL":
            return {"Labels": {**_object(config.get("Labels")), **dict(instruction.pairs())}}
        case "EXPOSE":
            ports = [w if "/" in w else f"{w}/tcp" for w in instruction.words()]
            more: dict[str, Json] = {port: {} for port in ports}
            return {"ExposedPorts": {**_object(config.get("ExposedPorts")), **more}}
        case "VOLUME":
            volumes: dict[str, Json] = {path: {} for path in instruction.words()}
            return {"Volumes": {**_object(config.get("Volumes")), **volumes}}
        case "WORKDIR":
            above = str(config.get("WorkingDir") or "/")
            return {"WorkingDir": posixpath.normpath(posixpath.join(above, instruction.text))}
        case "USER":
            return {"User": instruction.text}
        case "STOPSIGNAL":
            return {"StopSignal": instruction.text}
        case "ENTRYPOINT":
            return {"Entrypoint": _command(instruction), "Cmd": []}
        case _:
            return {"Cmd": _command(instruction)}


def _command(instruction: Instruction) -> list[Json]:
    if instruction.text.startswith("["):
        return [*instruction.words()]
    return ["/bin/sh", "-c", instruction.text]


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _merged_environment(listed: Json, pairs: list[tuple[str, str]]) -> list[Json]:
    lines = [str(line) for line in listed] if isinstance(listed, list) else []
    names = {name for name, _ in pairs}
    kept = [line for line in lines if line.partition("=")[0] not in names]
    return [*kept, *(f"{name}={value}" for name, value in pairs)]
