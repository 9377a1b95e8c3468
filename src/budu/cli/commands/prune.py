"""`budu builder prune`, `container prune`, `image prune`, `network prune`, `volume prune` and
`system prune`. Light."""

from __future__ import annotations

import sys

from budu.base.units import human_size
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.values import filters_of, read_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from budu.cli.context import Context

    Answer = dict[str, Any]
    Filters = dict[str, list[str]]

_BUILDS_TITLE = "Deleted build cache objects:"
_CACHE_LIMITS = ("keep-storage", "max-used-space", "min-free-space", "reserved-space")
"""Flags of `builder prune`, and parameters of the API."""
_TOLD_FILTERS = ("label", "label!", "until")
_FLAGS = (
    Flag("filter", "filter", read=read_filter, help=("Remove only what matches",
                                                     "조건에 맞는 것만 지웁니다")),
    Flag("force", short="f", help=("Do not ask", "묻지 않습니다")),
)  # fmt: skip


def run_container_prune(context: Context, call: Call) -> int:
    """Remove all stopped containers."""
    return _prune_one(context, call, "containers", question="cli.prune-containers")


def run_image_prune(context: Context, call: Call) -> int:
    """Remove dangling images, with `--all` all that no container uses."""
    question = "cli.prune-all-images" if call.on("all") else "cli.prune-images"
    return _prune_one(context, call, "images", question=question)


def run_network_prune(context: Context, call: Call) -> int:
    """Remove networks that no container uses."""
    return _prune_one(context, call, "networks", question="cli.prune-networks")


def run_volume_prune(context: Context, call: Call) -> int:
    """Remove anonymous volumes that no container uses, with `--all` named ones, too."""
    filters = _filters(context, call)
    if call.on("all") and "all" in filters:
        raise CommandFailed("conflicting options: cannot specify both --all and --filter all=1")
    question = "cli.prune-all-volumes" if call.on("all") else "cli.prune-volumes"
    return _prune_one(context, call, "volumes", question=question)


def run_builder_prune(context: Context, call: Call) -> int:
    """Remove the build cache that nothing needs, with `--all` all of it."""
    from budu.client.builds import prune_builds

    question = "cli.prune-all-builds" if call.on("all") else "cli.prune-builds"
    if not _agreed(context, call, context.message(question)):
        return 0
    query: dict[str, object] = {"all": call.on("all"), "filters": _filters(context, call) or None}
    query |= {flag: call.number(flag) or None for flag in _CACHE_LIMITS}
    answer = prune_builds(context.session, query)
    _say_removed(context, _BUILDS_TITLE, answer.get("CachesDeleted"))
    _say_freed(context, answer.get("SpaceReclaimed", 0))
    return 0


def run_system_prune(context: Context, call: Call) -> int:
    """Remove stopped containers, unused networks, images, and with `--volumes` volumes."""
    if call.on("volumes") and "until" in _given_filters(call):
        raise CommandFailed('ERROR: The "until" filter is not supported with "--volumes"')
    if not _agreed(context, call, _system_question(context, call)):
        return 0
    freed = 0
    for kind in ("containers", "networks", *(("volumes",) if call.on("volumes") else ()), "images"):
        freed += _say(context, kind, _ask_engine(context, call, kind, is_system=True))
    freed += _build_prune(context, call).get("SpaceReclaimed", 0)
    _say_freed(context, freed)
    return 0


def _prune_one(context: Context, call: Call, kind: str, *, question: str) -> int:
    if not _agreed(context, call, context.message(question)):
        return 0
    freed = _say(context, kind, _ask_engine(context, call, kind))
    if kind != "networks":
        _say_freed(context, freed)
    return 0


# Asking


def _agreed(context: Context, call: Call, question: str) -> bool:
    """Ask; silence means no."""
    if call.on("force"):
        return True
    context.out.write(f"{question} [y/N] ")
    context.out.flush()
    return sys.stdin.readline().strip().lower() == "y"


def _system_question(context: Context, call: Call) -> str:
    keys = ["containers", "networks"]
    keys += ["volumes"] if call.on("volumes") else []
    keys += ["all-images", "all-builds"] if call.on("all") else ["images", "builds"]
    lines = [context.message("cli.prune-system")]
    lines += [f"  - {context.message(f'cli.prune-system-{key}')}" for key in keys]
    filters = _filters(context, call)
    told = [f"{name}={value}" for name in _TOLD_FILTERS for value in filters.get(name, ())]
    if told:
        lines += ["", f"  {context.message('cli.prune-system-filtered')}"]
        lines += [f"  - {each}" for each in sorted(told)]
    return "\n".join([*lines, "", context.message("cli.prune-sure")])


# The engine


def _ask_engine(context: Context, call: Call, kind: str, *, is_system: bool = False) -> Answer:
    filters = _filters(context, call)
    if kind == "images":
        filters.setdefault("dangling", []).append("false" if call.on("all") else "true")
    if kind == "volumes" and not is_system:
        _add_volume_flags(filters, call)
    return context.session.prune(kind, filters)


def _add_volume_flags(filters: Filters, call: Call) -> None:
    if call.on("all"):
        filters["all"] = ["true"]
    for flag, name in (("unused-for", "unused-for"), ("keep-storage", "keep-storage"),
                       ("max-size", "keep-storage")):  # fmt: skip
        if call.text(flag):
            filters[name] = [*filters.get(name, []), call.text(flag)]


def _build_prune(context: Context, call: Call) -> Answer:
    answer = context.session.prune("build", _given_filters(call), everything=call.on("all"))
    _say_removed(context, _BUILDS_TITLE, answer.get("CachesDeleted"))
    return answer


def _given_filters(call: Call) -> Filters:
    pairs = call.values["filter"]
    return filters_of(pairs) if isinstance(pairs, list) else {}


def _filters(context: Context, call: Call) -> Filters:
    """The filters given, and those of `pruneFilters` in config.json that do not contradict them."""
    filters = _given_filters(call)
    opposite = {"label": filters.get("label!", []), "label!": filters.get("label", [])}
    for entry in context.config.texts("pruneFilters"):
        name, equals, value = entry.partition("=")
        if equals and value not in opposite.get(name, ()):
            filters[name] = [*filters.get(name, []), value]
    return filters


# Telling


def _say(context: Context, kind: str, answer: Answer) -> int:
    """Say what went; the bytes that became free."""
    name = kind.capitalize()
    removed = answer.get(f"{name}Deleted")
    if kind == "images":
        removed = [_image_line(item) for item in removed or []]
    _say_removed(context, f"Deleted {name}:", removed)
    return int(answer.get("SpaceReclaimed", 0))


def _image_line(item: dict[str, str]) -> str:
    if item.get("Deleted"):
        return f"deleted: {item['Deleted']}"
    return f"untagged: {item['Untagged']}"


def _say_removed(context: Context, title: str, names: list[str] | None) -> None:
    if names:
        context.out.write("\n".join([title, *names]) + "\n\n")


def _say_freed(context: Context, size_bytes: int) -> None:
    context.out.write(f"Total reclaimed space: {human_size(size_bytes)}\n")


def _command(run: Callable[[Context, Call], int], text: tuple[str, str], *flags: Flag) -> Command:
    return Command(run, usage="[OPTIONS]", help=text, flags=(*flags, *_FLAGS), most=0)


_ALL_IMAGES = Flag(
    "all",
    short="a",
    help=(
        "Remove every image that no container uses",
        "컨테이너가 쓰지 않는 이미지를 모두 지웁니다",
    ),
)
_ALL_VOLUMES = Flag("all", short="a", help=("Remove volumes with names as well",
                                            "이름 있는 볼륨도 지웁니다"))  # fmt: skip
_VOLUMES = Flag("volumes", help=("Remove anonymous volumes as well", "익명 볼륨도 지웁니다"))
BUILDER_PRUNE = _command(
    run_builder_prune,
    ("Remove build cache", "빌드 캐시를 지웁니다"),
    Flag("all", short="a", help=("Remove all of it, not just what nothing was made of",
                                 "쓰이는 것까지 모두 지웁니다")),
    Flag("keep-storage", "bytes", help=("Keep this much of it", "이만큼은 남깁니다")),
    Flag("max-used-space", "bytes", help=("Remove until it takes at most this",
                                          "이 크기 이하가 될 때까지 지웁니다")),
    Flag("min-free-space", "bytes", help=("Remove until this much of the disk is free",
                                          "디스크 여유가 이만큼 될 때까지 지웁니다")),
    Flag("reserved-space", "bytes", help=("The same as --keep-storage",
                                          "--keep-storage와 같습니다")),
)  # fmt: skip
CONTAINER_PRUNE = _command(
    run_container_prune, ("Remove all stopped containers", "멈춘 컨테이너를 모두 지웁니다")
)
IMAGE_PRUNE = _command(
    run_image_prune, ("Remove unused images", "쓰지 않는 이미지를 지웁니다"), _ALL_IMAGES
)
NETWORK_PRUNE = _command(
    run_network_prune, ("Remove unused networks", "쓰지 않는 네트워크를 지웁니다")
)
VOLUME_PRUNE = _command(
    run_volume_prune,
    ("Remove unused volumes", "쓰지 않는 볼륨을 지웁니다"),
    _ALL_VOLUMES,
    Flag(
        "unused-for",
        "string",
        help=(
            "Only volumes that nothing has used for that long: 30d, 72h",
            "이만큼 쓰이지 않은 볼륨만 지웁니다: 30d, 72h",
        ),
    ),
    Flag(
        "keep-storage",
        "string",
        help=(
            "Only so many, least recently used first, that the rest takes at most this: 10GB",
            "오래 쓰이지 않은 것부터, 남는 것이 이 크기 이하가 될 때까지만 지웁니다: 10GB",
        ),
    ),
    Flag("max-size", "string", help=("The same as --keep-storage", "--keep-storage와 같습니다")),
)
SYSTEM_PRUNE = _command(
    run_system_prune, ("Remove unused data", "쓰지 않는 데이터를 지웁니다"), _ALL_IMAGES, _VOLUMES
)
