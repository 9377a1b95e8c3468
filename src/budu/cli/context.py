"""What a command works with: the engine, the settings, the streams and the language. Light.

Everything is made when it is first asked for, so that a command pays for what it uses.
"""

from __future__ import annotations

import posix
import sys

from budu.cli.failures import PROGRAM

API_VERSION = "1.51"
"""The newest Engine API that this client knows."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from budu.base.errors import BuduError, Hint
    from budu.cli.config import ConfigFile
    from budu.client.endpoint import Endpoint, TlsFiles
    from budu.client.session import Session


class Context:
    """One run of the program."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        host: str = "",
        context: str = "",
        config_folder: str = "",
        lang: str = "",
        debug: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.environ = environ
        self.debug = debug
        self.program = PROGRAM
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self._host = host
        self._context = context
        self._folder = config_folder
        self._lang = lang
        self._tls: TlsFiles | None = None
        self._config: ConfigFile | None = None
        self._endpoint: Endpoint | None = None
        self._session: Session | None = None

    @property
    def lang(self) -> str:
        """`en` or `ko`."""
        if not self._lang:
            from budu.base.messages import language_of

            self._lang = language_of(self.environ)
        return self._lang

    @property
    def config_folder(self) -> str:
        """The folder of config.json."""
        if not self._folder:
            from budu.cli.config import config_folder

            self._folder = config_folder(self.environ)
        return self._folder

    @property
    def config(self) -> ConfigFile:
        """config.json."""
        if self._config is None:
            from budu.cli.config import ConfigFile

            self._config = ConfigFile(self.config_folder)
        return self._config

    @property
    def current_context(self) -> str:
        """The name of the context in use. Source: docker/cli, resolveContextName."""
        if self._context:
            return self._context
        if self._host or self.environ.get("BUDU_HOST") or self.environ.get("DOCKER_HOST"):
            return "default"
        return self.environ.get("DOCKER_CONTEXT") or self.config.text("currentContext") or "default"

    @property
    def endpoint(self) -> Endpoint:
        """The engine that was chosen."""
        if self._endpoint is None:
            from budu.client.endpoint import Choice, choose_endpoint

            explicit = self._host or self._context or self.environ.get("DOCKER_CONTEXT")
            current = "" if explicit else self.config.text("currentContext")
            choice = Choice(
                self.environ,
                config_folder=self.config_folder,
                host=self._host,
                context=self._context,
                current_context=current,
                tls=self._tls,
            )
            self._endpoint = choose_endpoint(choice)
        return self._endpoint

    @property
    def session(self) -> Session:
        """A session with the engine, which is started when that is ours to do."""
        if self._session is None:
            from budu.client.session import Session

            version = self.environ.get("DOCKER_API_VERSION", "")
            language = "" if self.lang == "en" else self.lang
            session = Session(self.endpoint, api_version=version, language=language)
            session.on_notice = self.tell
            if self.endpoint.is_default:
                self._connect(session)
            self._session = session
        return self._session

    def _connect(self, session: Session) -> None:
        try:
            session.transport.connect()
        except OSError:
            from budu.cli.autostart import connect_or_start

            connect_or_start(session, self)

    def use_tls(self, files: tuple[str, ...] | None) -> None:
        """Set certificate files: ca, cert, key and whether to verify (a word or empty)."""
        if files is not None:
            from budu.client.endpoint import TlsFiles

            ca, cert, key, verify = files
            self._tls = TlsFiles(ca, cert, key, verify=bool(verify))

    @property
    def client_facts(self) -> dict[str, str]:
        """What `version` and `info` say of the client."""
        from budu import __version__

        host = posix.uname()
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(host.machine, host.machine)
        return {
            "Version": __version__,
            "ApiVersion": self.environ.get("DOCKER_API_VERSION") or API_VERSION,
            "PythonVersion": sys.version.partition(" ")[0],
            "Os": host.sysname.lower(),
            "Arch": machine,
            "Context": self.current_context,
        }

    @property
    def talks_to_person(self) -> bool:
        """Whether hints for people are wanted: standard error is a terminal."""
        return self.err.isatty()

    def say(self, text: str) -> None:
        """A line on standard error."""
        self.err.write(text + "\n")
        self.err.flush()

    def message(self, key: str, **values: object) -> str:
        """A message of the catalogue, in the person's language."""
        from budu.base.messages import text

        return text(key, self.lang, **values)

    def hint(self, hint: Hint) -> None:
        """A hint, after an arrow, on standard error."""
        from budu.base.messages import render

        self.tell(render(hint, self.lang))

    def tell(self, text: str) -> None:
        """Something to know, after an arrow, on standard error."""
        first, *rest = text.splitlines()
        self.say("\n".join([f"→ {first}", *(f"  {line}" for line in rest)]))

    def report(self, error: BuduError) -> None:
        """An error's message and hint."""
        self.say(error.message)
        if error.hint is not None:
            self.hint(error.hint)
