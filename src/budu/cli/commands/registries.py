"""`budu search`, `tags` and `history`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.names import parse_name
from budu.cli.registry_flags import TLS_VERIFY
from budu.cli.values import filters_of, read_filter
from budu.client.images import image_history, remote_tags, search_images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_search(context: Context, call: Call) -> int:
    """Find images in a registry."""
    from budu.cli.credentials import registry_auth
    from budu.cli.tables.registries import print_hits

    pairs = call.values["filter"]
    hits = search_images(
        context.session,
        call.args[0],
        limit=max(0, call.number("limit")) or None,
        filters=filters_of(pairs) if isinstance(pairs, list) else {},
        auth=registry_auth(context.config, call.args[0]),
        tls_verify=call.on("tls-verify"),
    )
    print_hits(hits, call.values, context.out)
    return 0


def run_tags(context: Context, call: Call) -> int:
    """List the tags that a repository has in its registry."""
    from budu.cli.credentials import registry_auth
    from budu.cli.tables.registries import print_tags

    name = parse_name(call.args[0])
    if name.tag or name.digest:
        raise CommandFailed(f"a name without a tag is wanted: {name.repository}")
    found = remote_tags(
        context.session,
        name.repository,
        limit=call.number("limit") or 30,
        sort=call.text("sort"),
        auth=registry_auth(context.config, name.repository),
        tls_verify=call.on("tls-verify"),
    )
    print_tags(found, call.values, context.out)
    shown, total = len(found["Tags"]), found["Total"]
    if shown < total and context.talks_to_person:
        context.out.flush()
        context.tell(context.message("cli.tags-more", shown=shown, total=total))
    return 0


def run_history(context: Context, call: Call) -> int:
    """Show how an image was made."""
    from budu.cli.tables.registries import print_history

    steps = image_history(context.session, call.args[0], platform=call.text("platform"))
    print_history(steps, call.values, context.out)
    return 0


_FORMAT = Flag("format", "string", help=("table, json, or a Go template",
                                         "table, json 또는 Go 템플릿"))  # fmt: skip
_WHOLE = Flag("no-trunc", help=("Do not shorten", "줄이지 않습니다"))
SEARCH = Command(
    run_search,
    usage="[OPTIONS] TERM",
    help=("Search images in a registry", "레지스트리에서 이미지를 찾습니다"),
    flags=(
        Flag("filter", "filter", short="f", read=read_filter,
             help=("Show only what matches", "조건에 맞는 것만 보입니다")),
        _FORMAT,
        Flag("limit", "int", help=("At most so many results", "결과를 이만큼만 보입니다")),
        _WHOLE,
        TLS_VERIFY,
    ),
    least=1,
    most=1,
    examples=("search httpd", "search localhost:5000/web"),
)  # fmt: skip
TAGS = Command(
    run_tags,
    usage="[OPTIONS] NAME",
    help=("List the tags of an image in its registry",
          "레지스트리에 있는 이미지의 태그 목록을 봅니다"),
    flags=(
        _FORMAT,
        Flag("limit", "int", short="n", help=("At most so many tags (30)",
                                              "태그를 이만큼만 보입니다 (30)")),
        _WHOLE,
        Flag("quiet", short="q", help=("Show only tags", "태그만 보입니다")),
        Flag("sort", "string", default="version",
             help=("Order: version, age, size", "순서: version, age, size")),
        TLS_VERIFY,
    ),
    least=1,
    most=1,
    examples=("tags httpd", "tags --sort size -n 100 python"),
)  # fmt: skip
HISTORY = Command(
    run_history,
    usage="[OPTIONS] IMAGE",
    help=("Show how an image was made", "이미지가 만들어진 과정을 봅니다"),
    flags=(
        _FORMAT,
        Flag("human", short="H", default=True,
             help=("Sizes and dates for people", "크기와 날짜를 읽기 쉽게 보입니다")),
        _WHOLE,
        Flag("platform", "string", help=("Look at this platform (os/arch[/variant])",
                                         "이 플랫폼을 봅니다 (os/arch[/variant])")),
        Flag("quiet", short="q", help=("Show only IDs", "ID만 보입니다")),
    ),
    least=1,
    most=1,
)  # fmt: skip
