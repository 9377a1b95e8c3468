"""`budu rm`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError, NotFound
from budu.cli.declare import Call, Command, Flag
from budu.cli.each import for_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_rm(context: Context, call: Call) -> int:
    """Delete containers; with `--force` a missing one is no error for the exit status."""
    session, force = context.session, call.on("force")
    volumes, link = call.on("volumes"), call.on("link")

    def remove(ref: str) -> None:
        session.remove_container(ref.strip("/"), force=force, volumes=volumes, link=link)

    if not force:
        return for_each(context, call.args, remove)
    status = 0
    for ref in call.args:
        try:
            remove(ref)
        except BuduError as error:
            context.out.flush()
            context.report(error)
            status = status if isinstance(error, NotFound) else 1
        else:
            context.out.write(ref + "\n")
    return status


RM = Command(
    run_rm,
    usage="[OPTIONS] CONTAINER [CONTAINER...]",
    help=("Remove one or more containers", "컨테이너를 지웁니다"),
    flags=(
        Flag("force", short="f", help=("Kill a running container first",
                                       "실행 중이면 강제로 끝내고 지웁니다")),
        Flag("link", short="l", help=("Remove the link, not the container",
                                      "컨테이너가 아니라 연결만 지웁니다")),
        Flag("volumes", short="v", help=("Remove its anonymous volumes as well",
                                         "익명 볼륨도 지웁니다")),
    ),
    least=1,
)  # fmt: skip
