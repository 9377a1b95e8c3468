"""`budu hub …`: becomes `budu-hub`, which is a program of its own. Light.

The command line knows nothing of the hub; it reads the flags, so that help, completion and the
reference have them, and hands them on. A test holds them and budu-hub's own together.
"""

from __future__ import annotations

import os
import sys

from budu.cli.declare import Call, Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context

_RUN = """
import sys
sys.path[:0] = {path!r}
try:
    from budu.hub.main import entry
except ModuleNotFoundError as error:
    sys.exit(f"budu: the hub needs {{error.name}}: pip install 'budu[hub]'")
sys.exit(entry())
"""

PLACES = (
    Flag("data", "string", help=(
        "Folder of the database and the blobs", "데이터베이스와 블롭이 있는 폴더")),
    Flag("database", "string", help=(
        "Database: postgresql+psycopg://… (default an SQLite file in --data)",
        "데이터베이스: postgresql+psycopg://… (기본값은 --data 안의 SQLite 파일)")),
)  # fmt: skip
"""Where a hub's data is."""

SERVE_FLAGS = (
    *PLACES,
    Flag("listen", "string", default="127.0.0.1:5080", help=(
        "Address to listen at", "요청을 받을 주소")),
    Flag("secret-key", "string", help=(
        "Key of the secrets in the database; all processes need it (default --data/secret.key)",
        "데이터베이스의 비밀 값을 잠그는 키 파일. 여러 프로세스가 함께 씁니다 "
        "(기본값은 --data/secret.key)")),
    Flag("blobs", "string", help=(
        "Blobs: s3://bucket/prefix (default a folder in --data)",
        "블롭: s3://bucket/prefix (기본값은 --data 안의 폴더)")),
    Flag("name", "string", help=("What the site calls this hub", "사이트에 보이는 허브 이름")),
    Flag("address", "string", help=(
        "URL under which others reach it", "다른 사람이 접속하는 URL")),
    Flag("pull-prefix", "string", help=(
        "What stands before names in pull commands", "pull 명령에서 이름 앞에 붙일 것")),
    Flag("no-sign-up", help=(
        "Accounts are made by the admin alone", "관리자만 계정을 만듭니다")),
    Flag("allow-private-webhooks", help=(
        "Webhooks may go to private networks", "웹훅을 사설 네트워크로 보낼 수 있습니다")),
    Flag("tls-cert", "string", help=("Certificate with its chain, PEM", "인증서와 체인, PEM")),
    Flag("tls-key", "string", help=("Its key, PEM", "인증서의 키, PEM")),
    Flag("site", "string", help=("Folder of the built page", "빌드된 웹 페이지의 폴더")),
    Flag("trusted-proxies", "int", help=(
        "Balancers in front whose X-Forwarded-For is believed",
        "X-Forwarded-For 를 믿을 앞단 프록시의 수")),
    Flag("pulls", "int", help=(
        "Pulls in six hours from one address without a sign-in (default any number)",
        "로그인 없이 한 주소에서 여섯 시간 동안 받을 수 있는 횟수 (기본값은 제한 없음)")),
    Flag("pulls-signed-in", "int", help=(
        "Pulls in six hours of one user (default any number)",
        "한 사용자가 여섯 시간 동안 받을 수 있는 횟수 (기본값은 제한 없음)")),
    Flag("log-level", "string", default="info", help=(
        "Least level that is logged", "기록할 최소 로그 수준")),
    Flag("log-format", "string", default="text", help=("text or json", "text 또는 json")),
)  # fmt: skip
"""What `serve` takes."""


SEED_FLAGS = (
    Flag("to", "string", default="http://127.0.0.1:5080", help=("The hub", "이미지를 올릴 허브")),
    Flag("user", "string", default="admin", help=(
        "Who publishes; HUB_ADMIN_PASSWORD holds the password",
        "올리는 사용자. 비밀번호는 HUB_ADMIN_PASSWORD 에서 읽습니다")),
    Flag("library", "string", help=("Folder of the recipes", "레시피 폴더")),
    Flag("cache", "string", help=(
        "Folder that keeps layers between runs", "만든 레이어를 보관할 폴더")),
    Flag("describe-all", help=(
        "Texts of the images not named, too", "지정하지 않은 이미지의 설명도 올립니다")),
    Flag("describe-only", help=(
        "Texts alone, no image is built", "이미지는 만들지 않고 설명만 올립니다")),
    Flag("force", help=(
        "Also what the hub has of the same recipe", "같은 레시피의 이미지가 있어도 다시 올립니다")),
)  # fmt: skip
"""What `seed` takes."""


def _become(word: str, call: Call) -> int:
    """Replace this process by budu-hub. Does not return."""
    package = sys.modules["budu"].__file__ or ""
    run = _RUN.format(path=[os.path.dirname(os.path.dirname(package))])
    words = [word]
    for flag in call.command.flags:
        if flag.name in call.given:
            if flag.kind != "bool":
                words += [f"--{flag.name}", str(call.values[flag.name])]
            elif call.on(flag.name):
                words.append(f"--{flag.name}")
    os.execv(sys.executable, [sys.executable, "-c", run, *words, *call.args])


def run_serve(context: Context, call: Call) -> int:
    """Serve a hub until it is told to end."""
    del context
    return _become("serve", call)


def run_seed(context: Context, call: Call) -> int:
    """Build the official images and publish them."""
    del context
    return _become("seed", call)


def run_password(context: Context, call: Call) -> int:
    """Give the hub's admin a new password."""
    del context
    return _become("password", call)


def run_forget_secrets(context: Context, call: Call) -> int:
    """Give up what is sealed with a key that is lost."""
    del context
    return _become("forget-secrets", call)


SERVE = Command(
    run_serve,
    usage="--data DIR [OPTIONS]",
    help=(
        "Serve a registry with accounts and a page",
        "계정과 웹 페이지가 있는 레지스트리를 엽니다",
    ),
    flags=SERVE_FLAGS,
    most=0,
    examples=("hub serve --data /var/lib/hub --listen 127.0.0.1:5080",),
)
PASSWORD = Command(
    run_password,
    usage="--data DIR",
    help=(
        "Give a hub's admin a new password, read from standard input",
        "허브 관리자의 새 비밀번호를 표준 입력에서 읽어 정합니다",
    ),
    flags=PLACES,
    most=0,
)
FORGET_SECRETS = Command(
    run_forget_secrets,
    usage="--data DIR",
    help=(
        "Give up webhooks' secrets and mirrors' passwords, when their key is lost",
        "키를 잃어버렸을 때 웹훅 시크릿과 미러 비밀번호를 버립니다",
    ),
    flags=PLACES,
    most=0,
)
SEED = Command(
    run_seed,
    usage="[OPTIONS] [NAME...]",
    help=(
        "Build the official images from Debian's packages and publish them",
        "데비안 패키지로 공식 이미지를 만들어 허브에 올립니다",
    ),
    flags=SEED_FLAGS,
    examples=("hub seed busybox httpd --to http://127.0.0.1:5080",),
)
