"""`budu commit`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.names import parse_name
from budu.client.snapshots import commit_container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_commit(context: Context, call: Call) -> int:
    """Make an image of a container and print its id."""
    if "pause" in call.given and "no-pause" in call.given:
        raise CommandFailed("conflicting options: --no-pause and --pause cannot be used together")
    container, *names = call.args
    repository, tag = _name(names[0]) if names else ("", "")
    pauses = call.on("pause") and not call.on("no-pause")
    query = {
        "repo": repository or None,
        "tag": tag or None,
        "comment": call.text("message") or None,
        "author": call.text("author") or None,
        "changes": call.texts("change") or None,
        "pause": None if pauses else "0",
    }
    image_id = commit_container(context.session, container, query)
    context.out.write(image_id + "\n")
    return 0


def _name(text: str) -> tuple[str, str]:
    name = parse_name(text)
    if name.digest:
        raise CommandFailed("refusing to create a tag with a digest reference")
    name = name.with_default_tag()
    return name.repository, name.tag


COMMIT = Command(
    run_commit,
    usage="[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    help=("Make an image of what a container changed", "컨테이너가 바꾼 것으로 이미지를 만듭니다"),
    flags=(
        Flag("author", "string", short="a",
             help=('Author, as in "Name <name@example.org>"',
                   '만든 사람, 예: "Name <name@example.org>"')),
        Flag("change", "list", short="c",
             help=("Dockerfile instruction to apply, such as CMD or ENV",
                   "적용할 Dockerfile 명령, 예: CMD, ENV")),
        Flag("message", "string", short="m", help=("Comment of the new layer",
                                                   "새 레이어의 설명")),
        Flag("no-pause", help=("Do not pause the container meanwhile",
                               "그동안 컨테이너를 멈추지 않습니다")),
        Flag("pause", short="p", default=True,
             help=("Pause the container meanwhile", "그동안 컨테이너를 멈춥니다")),
    ),
    least=1,
    most=2,
    examples=("commit web mine:1", "commit -c 'CMD [\"httpd\"]' web mine:2"),
)  # fmt: skip
