"""`budu create`, and the making of a container that `run` shares. Light."""

from __future__ import annotations

import posix

from budu.base.errors import BuduError, Internal, InvalidArgument, NotFound
from budu.cli.declare import Call, Command
from budu.cli.failures import USAGE_ERROR, CommandFailed, Exit
from budu.cli.names import ImageName, is_id, parse_name
from budu.cli.run_flags import CREATE_FLAGS
from budu.cli.run_options import create_body
from budu.cli.terminal import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context

_WINDOWS_ONLY = ("cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops")


def read_body(context: Context, call: Call) -> dict[str, Any]:
    """The body of ContainerCreate.

    Raises: Exit with Docker's sentence and its status 125.
    """
    for name in _WINDOWS_ONLY:
        if name in call.given:
            raise CommandFailed(
                f'"--{name}" is only supported on a Docker daemon running on windows, '
                "but the Docker daemon is running on linux"
            )
    if call.on("use-api-socket"):
        raise CommandFailed("--use-api-socket is not available yet in this version of budu")
    try:
        return create_body(
            call,
            proxy=context.config.proxy_environment(context.endpoint.address),
            console_size=size(1),
        )
    except InvalidArgument as error:
        raise Exit(USAGE_ERROR, with_help(context, call, error.message), hint=error.hint) from None


def with_help(context: Context, call: Call, message: str) -> str:
    """A message in the form in which `docker run` shows errors."""
    return f"{context.program}: {message}\n\nRun '{call.path} --help' for more information"


def create_container(context: Context, call: Call, body: dict[str, Any]) -> str:
    """Create the container, pulling its image when that is missing and allowed.

    Returns its id. Warnings go to standard error, the id into `--cidfile`.
    Raises: the engine's error.
    """
    image = call.args[0]
    name = None if is_id(image) else parse_name(image).with_default_tag()
    platform = _platform(call.text("platform"))
    with _IdFile(call.text("cidfile")) as id_file:
        if call.text("pull") == "always" and name is not None:
            _pull(context, call, name)
        created = _create(context, call, body, name=name, platform=platform)
        for warning in created.get("Warnings") or []:
            context.say(f"WARNING: {warning}")
        identity: str = created["Id"]
        id_file.write(identity)
    return identity


def _create(
    context: Context, call: Call, body: dict[str, Any], *, name: ImageName | None, platform: str
) -> dict[str, Any]:
    session = context.session
    try:
        return session.create_container(body, name=call.text("name"), platform=platform)
    except NotFound as error:
        missing = "No such image" in error.message
        if not missing or name is None or call.text("pull") not in ("missing", ""):
            raise
    if not call.on("quiet"):
        context.say(f"Unable to find image '{name.familiar}' locally")
    _pull(context, call, name)
    return session.create_container(body, name=call.text("name"), platform=platform)


def _pull(context: Context, call: Call, name: ImageName) -> None:
    from budu.cli.pulling import AUTO, QUIET, pull

    pull(
        context,
        name,
        out=context.err,
        platform=call.text("platform"),
        mode=QUIET if call.on("quiet") else AUTO,
        tls_verify=call.on("tls-verify"),
    )


def _platform(text: str) -> str:
    """`linux` becomes `linux/amd64` (the machine's), as the client of docker sends it."""
    if not text or "/" in text:
        parts = text.split("/")
        if len(parts) > 3 or (text and not all(parts)):
            raise CommandFailed(
                f'error parsing specified platform: "{text}": cannot parse platform specifier: '
                "invalid argument"
            )
        return text
    here = posix.uname().machine
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(here, here)
    return f"{text}/{machine}" if text == "linux" else f"linux/{text}"


class _IdFile:
    """`--cidfile`: refuses an existing file, and goes again when no container was made."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._written = False

    def __enter__(self) -> _IdFile:
        if not self._path:
            return self
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
        try:
            self._fd = posix.open(self._path, flags, 0o644)
        except FileExistsError:
            raise CommandFailed(
                "container ID file found, make sure the other container isn't running or delete "
                + self._path
            ) from None
        except OSError as error:
            cause = (error.strerror or "").lower()
            raise CommandFailed(
                f"failed to create the container ID file: open {self._path}: {cause}"
            ) from None
        return self

    def write(self, identity: str) -> None:
        """Keep the id."""
        if self._fd < 0:
            return
        try:
            posix.write(self._fd, identity.encode())
        except OSError as error:
            raise Internal(
                f"failed to write the container ID ({identity}) to file: {error.strerror}"
            ) from None
        self._written = True

    def __exit__(self, *_: object) -> None:
        if self._fd < 0:
            return
        posix.close(self._fd)
        if not self._written:
            posix.unlink(self._path)


def run_create(context: Context, call: Call) -> int:
    """Make a container and print its id."""
    body = read_body(context, call)
    try:
        identity = create_container(context, call, body)
    except BuduError as error:
        raise Exit(1, error.message, hint=error.hint) from None
    context.out.write(identity + "\n")
    return 0


CREATE = Command(
    run_create,
    usage="[OPTIONS] IMAGE [COMMAND] [ARG...]",
    help=("Create a new container without starting it", "컨테이너를 만들기만 합니다"),
    flags=CREATE_FLAGS,
    least=1,
    options_first=True,
    examples=("create --name web -p 8080:80 httpd",),
)
