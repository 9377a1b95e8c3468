"""`budu login` and `logout`. Light, but for the question for a password."""

from __future__ import annotations

import posix
import sys

from budu.base.errors import Unauthenticated
from budu.cli.credentials import HUB, Credentials, find, forget, keep, server_key
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.registry_flags import TLS_VERIFY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_login(context: Context, call: Call) -> int:
    """Check a name and a password with a registry and keep them."""
    server = _server(call)
    credentials = _given(context, call, server) or _known(context, call, server)
    if credentials is None:
        credentials = _ask(context, server, call.text("username"))
    verify = call.on("tls-verify")
    answer = context.session.authenticate(credentials.as_document(), tls_verify=verify)
    token = answer.get("IdentityToken") or ""
    if token:
        credentials = Credentials(server, credentials.username, identity_token=token)
    if keep(context.config, credentials):
        context.say(context.message("cli.password-unencrypted", path=context.config.path))
    context.out.write(f"{answer.get('Status') or 'Login Succeeded'}\n")
    return 0


def run_logout(context: Context, call: Call) -> int:
    """Forget the credentials of a registry."""
    server = _server(call)
    shown = "Docker Hub" if server == HUB else server
    if forget(context.config, server):
        context.out.write(f"Removing login credentials for {shown}\n")
    else:
        context.out.write(f"Not logged in to {shown}\n")
    return 0


def _server(call: Call) -> str:
    return server_key(call.args[0]) if call.args else HUB


def _given(context: Context, call: Call, server: str) -> Credentials | None:
    """Credentials from flags; None when there is no password among them.

    Raises: CommandFailed for flags that do not go together.
    """
    username, password = call.text("username"), call.text("password")
    if call.on("password-stdin"):
        if password:
            raise CommandFailed("conflicting options: cannot specify both --password and "
                                "--password-stdin")  # fmt: skip
        if not username:
            raise CommandFailed("the --password-stdin option requires --username to be set")
        password = sys.stdin.read().removesuffix("\n").removesuffix("\r")
        if not password:
            raise CommandFailed("password is empty")
    elif password:
        context.say("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
    if "password" in call.given and not password:
        raise CommandFailed("password is empty")
    if "username" in call.given and not username:
        raise CommandFailed("username is empty")
    return Credentials(server, username, password) if username and password else None


def _known(context: Context, call: Call, server: str) -> Credentials | None:
    """What was kept before, when the registry still takes it."""
    known = find(context.config, server)
    if not known.is_known:
        return None
    context.say("Authenticating with existing credentials...")
    try:
        context.session.authenticate(known.as_document(), tls_verify=call.on("tls-verify"))
    except Unauthenticated as error:
        context.report(error)
        return None
    return known


def _ask(context: Context, server: str, username: str) -> Credentials:
    if not posix.isatty(0):
        raise CommandFailed("cannot perform an interactive login from a non-TTY device")
    from getpass import getpass

    if not username:
        context.out.write("Username: ")
        context.out.flush()
        username = sys.stdin.readline().strip()
    if not username:
        raise CommandFailed("username is required")
    password = getpass("Password: ")
    if not password:
        raise CommandFailed("password is required")
    return Credentials(server, username, password)


LOGIN = Command(
    run_login,
    usage="[OPTIONS] [SERVER]",
    help=("Log in to a registry", "레지스트리에 로그인합니다"),
    flags=(
        Flag("password", "string", short="p", help=("Password or access token",
                                                    "비밀번호 또는 접근 토큰")),
        Flag("password-stdin", help=("Read the password from standard input",
                                     "비밀번호를 표준 입력에서 읽습니다")),
        TLS_VERIFY,
        Flag("username", "string", short="u", help=("User name", "사용자 이름")),
    ),
    most=1,
)  # fmt: skip
LOGOUT = Command(
    run_logout,
    usage="[SERVER]",
    help=("Log out from a registry", "레지스트리에서 로그아웃합니다"),
    most=1,
)
