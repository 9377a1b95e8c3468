"""`budu images`, `rmi` and `tag`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError, Hint, InvalidArgument, NotFound
from budu.cli.declare import Call, Command, Flag
from budu.cli.names import parse_name
from budu.cli.values import filters_of, read_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_images(context: Context, call: Call) -> int:
    """List images; `images REPOSITORY[:TAG]` shows some."""
    if call.on("tree"):
        return _run_tree(context, call)
    form = call.text("format")
    if not form and not call.on("quiet"):
        form = context.config.text("imagesFormat")
    pairs = call.values["filter"]
    filters = filters_of(pairs) if isinstance(pairs, list) else {}
    if call.args:
        filters.setdefault("reference", []).append(call.args[0])
    digests = call.on("digests") or ".Digest" in form
    images = context.session.list_images(
        everything=call.on("all"), digests=digests, filters=filters
    )
    from budu.cli.tables.images import print_images

    print_images(images, {**call.values, "format": form}, context.out)
    if not images and not form and not call.on("quiet"):
        _advise(context, call)
    return 0


def _run_tree(context: Context, call: Call) -> int:
    """List images with the platforms of each."""
    from budu.cli.failures import CommandFailed
    from budu.cli.tables.image_tree import print_tree

    for flag in ("quiet", "format", "no-trunc", "digests"):
        if call.values[flag]:
            shown = f"--{flag}"
            raise CommandFailed(f"--tree and {shown} cannot be used together")
    pairs = call.values["filter"]
    filters = filters_of(pairs) if isinstance(pairs, list) else {}
    if call.args:
        filters.setdefault("reference", []).append(call.args[0])
    images = context.session.list_images(everything=call.on("all"), manifests=True, filters=filters)
    print_tree(images, context.out)
    return 0


def _advise(context: Context, call: Call) -> None:
    """An empty list looks like a failure to a beginner; say that it is none."""
    if not context.talks_to_person:
        return
    context.out.flush()
    present = [
        name for image in context.session.list_images() for name in image.get("RepoTags") or []
    ]
    if not present and not call.values["filter"]:
        context.hint(Hint("cli.no-images"))
    elif present and call.args:
        context.hint(Hint("cli.no-such-image", name=call.args[0], present=", ".join(present[:3])))


def run_rmi(context: Context, call: Call) -> int:
    """Delete images, and say what went."""
    status = 0
    platforms = call.texts("platform")
    for ref in call.args:
        try:
            removed = context.session.remove_image(
                ref, force=call.on("force"), no_prune=call.on("no-prune"), platforms=platforms
            )
        except BuduError as error:
            context.out.flush()
            context.report(error)
            status = status if isinstance(error, NotFound) and call.on("force") else 1
            continue
        for item in removed:
            if "Deleted" in item:
                context.out.write(f"Deleted: {item['Deleted']}\n")
            else:
                context.out.write(f"Untagged: {item['Untagged']}\n")
    return status


def run_tag(context: Context, call: Call) -> int:
    """Add a name to an image."""
    source, target = call.args
    try:
        name = parse_name(target)
    except InvalidArgument as error:
        begin = f'Error parsing reference: "{target}" is not a valid repository/tag: '
        raise error.after(begin) from None
    if name.digest:
        from budu.cli.failures import CommandFailed

        raise CommandFailed("refusing to create a tag with a digest reference")
    name = name.with_default_tag()
    context.session.tag_image(source, repository=name.repository, tag=name.tag)
    return 0


IMAGES = Command(
    run_images,
    usage="[OPTIONS] [REPOSITORY[:TAG]]",
    help=("List images", "이미지 목록을 봅니다"),
    flags=(
        Flag("all", short="a", help=("Show intermediate images as well",
                                     "중간 이미지도 보입니다")),
        Flag("digests", help=("Show digests", "다이제스트를 보입니다")),
        Flag("filter", "filter", short="f", read=read_filter,
             help=("Show only what matches", "조건에 맞는 것만 보입니다")),
        Flag("format", "string", help=("table, json, or a Go template",
                                       "table, json 또는 Go 템플릿")),
        Flag("no-trunc", help=("Do not shorten", "줄이지 않습니다")),
        Flag("quiet", short="q", help=("Show only IDs", "ID만 보입니다")),
        Flag("tree", help=("Show platforms as a tree", "플랫폼을 나무 모양으로 보입니다")),
    ),
    most=1,
)  # fmt: skip
RMI = Command(
    run_rmi,
    usage="[OPTIONS] IMAGE [IMAGE...]",
    help=("Remove one or more images", "이미지를 지웁니다"),
    flags=(
        Flag("force", short="f", help=("Remove even when containers use it",
                                       "컨테이너가 써도 지웁니다")),
        Flag("no-prune", help=("Keep untagged parents", "태그 없는 상위 이미지를 남깁니다")),
        Flag("platform", "strings", help=("Remove only this platform (os/arch[/variant])",
                                          "이 플랫폼만 지웁니다 (os/arch[/variant])")),
    ),
    least=1,
)  # fmt: skip
TAG = Command(
    run_tag,
    usage="SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    help=("Give an image another name", "이미지에 이름을 하나 더 붙입니다"),
    least=2,
    most=2,
)
