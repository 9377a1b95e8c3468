"""`budu inspect` and the inspect command of each group. Light."""

from __future__ import annotations

from budu.base.errors import BuduError, NotFound, NotImplementedHere
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from budu.cli.context import Context

    Find = Callable[[str], dict[str, Any]]

_TYPES = (
    "config", "container", "image", "network", "node", "plugin", "secret", "service", "task",
    "volume",
)  # fmt: skip
_FORMAT = Flag("format", "string", short="f",
               help=("json, or a Go template", "json 또는 Go 템플릿"))  # fmt: skip


def run_inspect(context: Context, call: Call) -> int:
    """Print details of any objects; their kinds are found out."""
    kind = call.text("type")
    if "type" in call.given and kind not in _TYPES:
        names = ", ".join(f'"{name}"' for name in _TYPES)
        begin = "type is empty" if not kind else f'unknown type: "{kind}"'
        raise CommandFailed(f"{begin}: must be one of {names}")
    finders = _finders(context, size=call.on("size"))
    if kind:
        if kind not in finders:
            raise CommandFailed(f"--type {kind} is not available yet in this version of budu")
        return _print(context, call, finders[kind])
    return _print(context, call, lambda ref: _find_any(ref, finders))


def _finders(context: Context, *, size: bool = False) -> dict[str, Find]:
    session = context.session
    return {
        "container": lambda ref: session.inspect_container(ref, size=size),
        "image": session.inspect_image,
        "network": session.inspect_network,
        "volume": session.inspect_volume,
    }


def _find_any(ref: str, finders: dict[str, Find]) -> dict[str, Any]:
    for find in finders.values():
        try:
            return find(ref)
        except (NotFound, NotImplementedHere):
            continue
    raise NotFound(f"error: no such object: {ref}")


def _print(context: Context, call: Call, find: Find) -> int:
    found, failures = [], []
    for ref in call.args:
        try:
            found.append(find(ref))
        except BuduError as error:
            failures.append(error)
    from budu.cli.format import print_inspected

    print_inspected(found, context.out, form=call.text("format"))
    context.out.flush()
    for failure in failures:
        context.report(failure)
    return 1 if failures else 0


def run_container_inspect(context: Context, call: Call) -> int:
    """Print details of containers."""
    return _print(context, call, _finders(context, size=call.on("size"))["container"])


def run_image_inspect(context: Context, call: Call) -> int:
    """Print details of images, with every manifest of those that are for several platforms."""
    session, platform = context.session, call.text("platform")

    def find(ref: str) -> dict[str, Any]:
        return session.inspect_image(ref, platform=platform, manifests=not platform)

    return _print(context, call, find)


def run_network_inspect(context: Context, call: Call) -> int:
    """Print details of networks."""
    session, verbose = context.session, call.on("verbose")
    return _print(context, call, lambda ref: session.inspect_network(ref, verbose=verbose))


def run_volume_inspect(context: Context, call: Call) -> int:
    """Print details of volumes."""
    return _print(context, call, context.session.inspect_volume)


_SIZE = Flag("size", short="s", help=("Show sizes of files of containers",
                                      "컨테이너의 파일 크기를 보입니다"))  # fmt: skip
INSPECT = Command(
    run_inspect,
    usage="[OPTIONS] NAME|ID [NAME|ID...]",
    help=("Show everything about objects, as JSON", "대상의 모든 정보를 JSON으로 봅니다"),
    flags=(
        _FORMAT,
        _SIZE,
        Flag("type", "string", help=("Look only for this type", "이 종류만 찾습니다")),
    ),
    least=1,
)
CONTAINER_INSPECT = Command(
    run_container_inspect,
    usage="[OPTIONS] CONTAINER [CONTAINER...]",
    help=("Show everything about containers", "컨테이너의 모든 정보를 봅니다"),
    flags=(_FORMAT, _SIZE),
    least=1,
)
IMAGE_INSPECT = Command(
    run_image_inspect,
    usage="[OPTIONS] IMAGE [IMAGE...]",
    help=("Show everything about images", "이미지의 모든 정보를 봅니다"),
    flags=(_FORMAT, Flag("platform", "string", help=("Look at this platform (os/arch[/variant])",
                                                     "이 플랫폼을 봅니다 (os/arch[/variant])"))),
    least=1,
)  # fmt: skip
NETWORK_INSPECT = Command(
    run_network_inspect,
    usage="[OPTIONS] NETWORK [NETWORK...]",
    help=("Show everything about networks", "네트워크의 모든 정보를 봅니다"),
    flags=(_FORMAT, Flag("verbose", short="v", help=("Verbose output", "자세히 보입니다"))),
    least=1,
)
VOLUME_INSPECT = Command(
    run_volume_inspect,
    usage="[OPTIONS] VOLUME [VOLUME...]",
    help=("Show everything about volumes", "볼륨의 모든 정보를 봅니다"),
    flags=(_FORMAT,),
    least=1,
)
