"""`budu push`. Light."""

from __future__ import annotations

from budu.base.environment import environment
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.names import parse_name
from budu.cli.registry_flags import TLS_VERIFY
from budu.cli.terminal import screen_width
from budu.client.images import push_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from budu.cli.context import Context
    from budu.cli.names import ImageName


def run_push(context: Context, call: Call) -> int:
    """Upload an image; with `--quiet` the only line is its full name."""
    name = parse_name(call.args[0])
    everything, quiet = call.on("all-tags"), call.on("quiet")
    if everything and (name.tag or name.digest):
        raise CommandFailed("tag can't be used with --all-tags/-a")
    if not everything and not name.tag and not name.digest:
        name = name.with_default_tag()
        if not quiet:
            context.out.write(f"Using default tag: {name.tag}\n")
            context.out.flush()
    note = _push(context, call, name)
    if quiet:
        context.out.write(name.canonical + "\n")
    context.out.flush()
    if note:
        original, chosen = note["originalIndex"]["digest"], note["selectedManifest"]["digest"]
        context.tell(context.message("cli.push-manifest", index=original, manifest=chosen))
    return 0


def _push(context: Context, call: Call, name: ImageName) -> Mapping[str, Any]:
    """Push and show how it goes; what was pushed in place of an index, if anything was."""
    from budu.cli.credentials import registry_auth
    from budu.cli.progress import choose_view

    messages = push_image(
        context.session,
        name.repository + (f"@{name.digest}" if name.digest else ""),
        tag=name.tag,
        platform=call.text("platform"),
        tls_verify=call.on("tls-verify"),
        auth=registry_auth(context.config, name.repository),
    )
    view = choose_view(
        context.out,
        quiet=call.on("quiet"),
        width=screen_width,
        lang=context.lang,
    )
    note: Mapping[str, Any] = {}
    try:
        for message in messages:
            if message.get("aux", {}).get("manifestPushedInsteadOfIndex"):
                note = message["aux"]
            view.feed(message)
    finally:
        view.close()
    return note


PUSH = Command(
    run_push,
    usage="[OPTIONS] NAME[:TAG]",
    help=("Upload an image to a registry", "이미지를 레지스트리에 올립니다"),
    flags=(
        Flag("all-tags", short="a", help=("Push all tags of the repository",
                                          "저장소의 모든 태그를 올립니다")),
        Flag("disable-content-trust", default=True, hidden=True,
             help=("Skip image signing (no effect)", "이미지 서명 생략 (효과 없음)")),
        Flag("platform", "string", default=environment().get("DOCKER_DEFAULT_PLATFORM", ""),
             help=("Push only this platform of the image (os/arch[/variant])",
                   "이미지의 이 플랫폼만 올립니다 (os/arch[/variant])")),
        Flag("quiet", short="q", help=("Show only the image's name", "이미지 이름만 보입니다")),
        TLS_VERIFY,
    ),
    least=1,
    most=1,
    examples=("push localhost:5000/web", "push -a localhost:5000/web"),
)  # fmt: skip
