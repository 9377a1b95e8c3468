"""`budu pull`. Light."""

from __future__ import annotations

from budu.base.environment import environment
from budu.base.errors import InvalidArgument
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.names import parse_name
from budu.cli.pulling import AUTO, PLAIN, QUIET, pull
from budu.cli.registry_flags import TLS_VERIFY
from budu.cli.values import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_pull(context: Context, call: Call) -> int:
    """Download an image; the last line is its full name."""
    name = parse_name(call.args[0])
    everything = call.on("all-tags")
    if everything and (name.tag or name.digest):
        raise CommandFailed("tag can't be used with --all-tags/-a")
    if not everything and not name.tag and not name.digest:
        name = name.with_default_tag()
        if not call.on("quiet"):
            context.out.write(f"Using default tag: {name.tag}\n")
            context.out.flush()
    pull(
        context,
        name,
        out=context.out,
        platform=call.text("platform"),
        mode=QUIET if call.on("quiet") else call.text("progress"),
        all_tags=everything,
        tls_verify=call.on("tls-verify"),
    )
    context.out.write(name.canonical + "\n")
    return 0


def _read_progress(text: str) -> str:
    if text not in (AUTO, PLAIN, "tty"):
        raise InvalidArgument(f"{quoted(text)} is not a way to show progress: auto, plain")
    return AUTO if text == "tty" else text


PULL = Command(
    run_pull,
    usage="[OPTIONS] NAME[:TAG|@DIGEST]",
    help=("Download an image from a registry", "레지스트리에서 이미지를 받습니다"),
    flags=(
        Flag("all-tags", short="a", help=("Download every tag of the repository",
                                          "저장소의 모든 태그를 받습니다")),
        Flag("disable-content-trust", default=True, hidden=True,
             help=("Skip image verification (no effect)", "이미지 검증 생략 (효과 없음)")),
        Flag("platform", "string", default=environment().get("DOCKER_DEFAULT_PLATFORM", ""),
             help=("Platform of the image (os/arch[/variant])",
                   "이미지 플랫폼 (os/arch[/variant])")),
        Flag("progress", "string", default=AUTO, read=_read_progress,
             help=("How to show progress: auto, plain", "진행 상황 표시: auto, plain")),
        Flag("quiet", short="q", help=("Show only the image's name", "이미지 이름만 보입니다")),
        TLS_VERIFY,
    ),
    least=1,
    most=1,
    examples=("pull httpd", "pull --platform linux/arm64 httpd:2.4"),
)  # fmt: skip
