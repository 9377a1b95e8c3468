"""`budu container prune`, `image prune` and `system prune`. Light."""

from __future__ import annotations

import sys

from budu.base.errors import NotImplementedHere
from budu.base.units import human_size
from budu.cli.declare import Call, Command, Flag
from budu.cli.values import filters_of, read_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context

_CANCELLED = 1
_FLAGS = (
    Flag("filter", "filter", read=read_filter, help=("Remove only what matches",
                                                     "조건에 맞는 것만 지웁니다")),
    Flag("force", short="f", help=("Do not ask", "묻지 않습니다")),
)  # fmt: skip


def run_container_prune(context: Context, call: Call) -> int:
    """Remove all stopped containers."""
    if not _agreed(context, call, "cli.prune-containers"):
        return _CANCELLED
    answer = context.session.prune("containers", _filters(call))
    _say_removed(context, "Deleted Containers:", answer.get("ContainersDeleted"))
    _say_freed(context, answer.get("SpaceReclaimed", 0))
    return 0


def run_image_prune(context: Context, call: Call) -> int:
    """Remove dangling images, with `--all` all that no container uses."""
    key = "cli.prune-all-images" if call.on("all") else "cli.prune-images"
    if not _agreed(context, call, key):
        return _CANCELLED
    answer = context.session.prune("images", _image_filters(call))
    _say_images(context, answer.get("ImagesDeleted"))
    _say_freed(context, answer.get("SpaceReclaimed", 0))
    return 0


def run_system_prune(context: Context, call: Call) -> int:
    """Remove stopped containers, unused networks, images, and with `--volumes` volumes."""
    if not _agreed(context, call, "cli.prune-system"):
        return _CANCELLED
    freed = status = 0
    for kind in ("containers", "networks", *(("volumes",) if call.on("volumes") else ()), "images"):
        filters = _image_filters(call) if kind == "images" else _filters(call)
        try:
            answer = context.session.prune(kind, filters)
        except NotImplementedHere as error:
            context.out.flush()
            context.report(error)
            status = 1
            continue
        name = kind.capitalize()
        if kind == "images":
            _say_images(context, answer.get("ImagesDeleted"))
        else:
            _say_removed(context, f"Deleted {name}:", answer.get(f"{name}Deleted"))
        freed += answer.get("SpaceReclaimed", 0)
    _say_freed(context, freed)
    return status


def _agreed(context: Context, call: Call, key: str) -> bool:
    """Ask; silence means no."""
    if call.on("force"):
        return True
    context.out.write(context.message(key) + " [y/N] ")
    context.out.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _filters(call: Call) -> dict[str, list[str]]:
    pairs = call.values["filter"]
    return filters_of(pairs) if isinstance(pairs, list) else {}


def _image_filters(call: Call) -> dict[str, list[str]]:
    return {**_filters(call), "dangling": ["false" if call.on("all") else "true"]}


def _say_removed(context: Context, title: str, names: list[str] | None) -> None:
    if names:
        context.out.write("\n".join([title, *names]) + "\n\n")


def _say_images(context: Context, images: list[dict[str, str]] | None) -> None:
    lines = [
        f"deleted: {item['Deleted']}" if item.get("Deleted") else f"untagged: {item['Untagged']}"
        for item in images or []
    ]
    _say_removed(context, "Deleted Images:", lines)


def _say_freed(context: Context, size_bytes: int) -> None:
    context.out.write(f"Total reclaimed space: {human_size(size_bytes)}\n")


_ALL = Flag("all", short="a", help=("Remove every image that no container uses",
                                    "컨테이너가 쓰지 않는 이미지를 모두 지웁니다"))  # fmt: skip
CONTAINER_PRUNE = Command(
    run_container_prune,
    usage="[OPTIONS]",
    help=("Remove all stopped containers", "멈춘 컨테이너를 모두 지웁니다"),
    flags=_FLAGS,
    most=0,
)
IMAGE_PRUNE = Command(
    run_image_prune,
    usage="[OPTIONS]",
    help=("Remove unused images", "쓰지 않는 이미지를 지웁니다"),
    flags=(_ALL, *_FLAGS),
    most=0,
)
SYSTEM_PRUNE = Command(
    run_system_prune,
    usage="[OPTIONS]",
    help=("Remove unused data", "쓰지 않는 데이터를 지웁니다"),
    flags=(_ALL, *_FLAGS, Flag("volumes", help=("Remove anonymous volumes as well",
                                                "익명 볼륨도 지웁니다"))),
    most=0,
)  # fmt: skip
