"""`budu volume create`, `volume resize` and `volume rm`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError, NotFound
from budu.base.units import parse_bytes
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_volume_create(context: Context, call: Call) -> int:
    """Make a volume and print its name."""
    if call.args and call.text("name"):
        raise CommandFailed(
            "conflicting options: cannot specify a volume-name through both --name and as a "
            "positional arg"
        )
    name = call.args[0] if call.args else call.text("name")
    volume = context.session.create_volume(
        name,
        driver=call.text("driver"),
        options=_options(call),
        labels=_pairs(call.texts("label")),
    )
    context.out.write(volume["Name"] + "\n")
    return 0


def _options(call: Call) -> dict[str, str]:
    """Those of `--opt`, and `size` of `--size`, which is the same."""
    options = _pairs(call.texts("opt"))
    size = call.text("size")
    if size and options.setdefault("size", size) != size:
        raise CommandFailed("conflicting options: --size and --opt size=")
    return options


def run_volume_resize(context: Context, call: Call) -> int:
    """Let a volume that was made with a size hold more, or less."""
    name, size = call.args
    context.session.resize_volume(name, parse_bytes(size))
    context.out.write(name + "\n")
    return 0


def _pairs(texts: list[str]) -> dict[str, str]:
    """`key=value` each; a key alone has an empty value."""
    pairs = (text.partition("=") for text in texts)
    return {key: value for key, _, value in pairs}


def run_volume_rm(context: Context, call: Call) -> int:
    """Delete volumes; with `--force` a missing one is no error for the exit status."""
    force, status = call.on("force"), 0
    for name in call.args:
        try:
            context.session.remove_volume(name, force=force)
        except BuduError as error:
            context.out.flush()
            context.report(error)
            status = status if force and isinstance(error, NotFound) else 1
        else:
            context.out.write(name + "\n")
    return status


_CLUSTER = tuple(
    Flag(name, kind, hidden=True, missing="swarm's cluster volumes",
         help=("For cluster volumes of swarm", "스웜의 클러스터 볼륨용"))
    for name, kind in (
        ("availability", "string"), ("group", "string"), ("limit-bytes", "bytes"),
        ("required-bytes", "bytes"), ("scope", "string"), ("secret", "list"),
        ("sharing", "string"), ("topology-preferred", "list"), ("topology-required", "list"),
        ("type", "string"),
    )
)  # fmt: skip
VOLUME_CREATE = Command(
    run_volume_create,
    usage="[OPTIONS] [VOLUME]",
    help=("Make a volume", "볼륨을 만듭니다"),
    flags=(
        Flag("driver", "string", short="d", default="local", help=("Volume driver",
                                                                   "볼륨 드라이버")),
        Flag("label", "list", help=("Label of the volume", "볼륨의 라벨")),
        Flag("name", "string", hidden=True, help=("Name of the volume", "볼륨 이름")),
        Flag("opt", "list", short="o", help=("Option of the driver", "드라이버 옵션")),
        Flag("size", "string", help=("Most that the volume may hold", "볼륨의 최대 크기")),
        *_CLUSTER,
    ),
    most=1,
    examples=("volume create data", "volume create --size 10g data"),
)  # fmt: skip
VOLUME_RESIZE = Command(
    run_volume_resize,
    usage="VOLUME SIZE",
    help=("Give a volume with a size another one", "볼륨의 크기를 바꿉니다"),
    flags=(),
    least=2,
    most=2,
    examples=("volume resize data 20g",),
)  # fmt: skip
VOLUME_RM = Command(
    run_volume_rm,
    usage="[OPTIONS] VOLUME [VOLUME...]",
    help=("Remove one or more volumes", "볼륨을 지웁니다"),
    flags=(Flag("force", short="f", help=("Do not mind volumes that are not there",
                                          "없는 볼륨은 무시합니다")),),
    least=1,
)  # fmt: skip
