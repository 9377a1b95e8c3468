"""The flags before a command's name. Light.

Source: docker/cli `cli/flags/options.go`.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.cli.declare import Flag
from budu.cli.values import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from budu.cli.context import Context
    from budu.cli.parser import RootCall

LOG_LEVELS = ("panic", "fatal", "error", "warn", "warning", "info", "debug", "trace")


def _read_level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        from budu.cli.failures import CommandFailed

        raise CommandFailed(f"Unable to parse logging level: {text}")
    return text


def _read_language(text: str) -> str:
    if text not in ("en", "ko"):
        raise InvalidArgument(f"{quoted(text)} is not a language: must be en or ko")
    return text


ROOT_FLAGS = (
    Flag("config", "string", help=("Folder of the client's settings", "클라이언트 설정 폴더")),
    Flag("context", "string", short="c",
         help=("Name of the context to use (over BUDU_HOST and DOCKER_HOST)",
               "사용할 컨텍스트 이름 (BUDU_HOST, DOCKER_HOST보다 우선)")),
    Flag("debug", short="D", help=("Debug mode", "디버그 모드")),
    Flag("host", "list", short="H", help=("Address of the engine to connect to",
                                          "연결할 엔진의 주소")),
    Flag("lang", "string", read=_read_language,
         help=("Language of hints and help: en, ko", "안내와 도움말의 언어: en, ko")),
    Flag("log-level", "string", short="l", default="info", read=_read_level,
         help=("Level of the client's own messages: debug, info, warn, error, fatal",
               "클라이언트 메시지 수준: debug, info, warn, error, fatal")),
    Flag("tls", help=("Use TLS", "TLS를 사용합니다")),
    Flag("tlscacert", "string", help=("Trust certificates of this authority only",
                                      "이 인증 기관의 인증서만 믿습니다")),
    Flag("tlscert", "string", help=("File with the TLS certificate", "TLS 인증서 파일")),
    Flag("tlskey", "string", help=("File with the TLS key", "TLS 키 파일")),
    Flag("tlsverify", help=("Use TLS and verify the engine", "TLS를 쓰고 엔진을 검증합니다")),
    Flag("version", short="v", help=("Print the version and quit", "버전을 출력하고 끝냅니다")),
)  # fmt: skip


def make_context(root: RootCall, environ: Mapping[str, str]) -> Context:
    """The context that the root flags describe.

    Raises: CommandFailed for several hosts.
    """
    from budu.cli.context import Context
    from budu.cli.failures import CommandFailed

    hosts = root.values["host"]
    if isinstance(hosts, list) and len(hosts) > 1:
        raise CommandFailed("specify only one -H")
    context = Context(
        environ,
        host=str(hosts[0]) if isinstance(hosts, list) and hosts else "",
        context=root.text("context"),
        config_folder=root.text("config"),
        lang=root.text("lang"),
        debug=bool(root.values["debug"]) or root.text("log-level") == "debug",
    )
    context.use_tls(_tls(root, environ, context.config_folder))
    return context


def _tls(root: RootCall, environ: Mapping[str, str], folder: str) -> tuple[str, ...] | None:
    """Files for ca, cert and key, and `verify` as the last word; None without TLS flags."""
    verify = bool(root.values["tlsverify"])
    asked = any(root.text(name) for name in ("tlscacert", "tlscert", "tlskey"))
    if not (verify or root.values["tls"] or asked):
        return None
    place = environ.get("DOCKER_CERT_PATH") or folder
    files = [
        root.text(flag) or (f"{place}/{name}.pem" if verify or root.values["tls"] else "")
        for flag, name in (("tlscacert", "ca"), ("tlscert", "cert"), ("tlskey", "key"))
    ]
    return (*files, "verify" if verify else "")
