"""The Engine API as functions: one per call, JSON documents as plain dicts and lists. Light.

Paths carry no API version, so that an engine answers with its newest; DOCKER_API_VERSION pins
one. Errors of the engine arrive as `base.errors` (`client.errors`), an engine that cannot be
reached as `Unavailable` with Docker's sentence and a hint found by looking (`client.reach`).
"""

from __future__ import annotations

from budu.client.json import dumps, loads
from budu.client.query import encode, quote, unquote
from budu.client.transport import Connection, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from budu.base.errors import BuduError
    from budu.client.endpoint import Endpoint

_JSON = {"Content-Type": "application/json"}


class Hijacked:
    """A raw connection to a container's stdio. The caller closes `socket`."""

    __slots__ = ("early", "socket", "tty")

    def __init__(self, socket: _socket.socket, early: bytes, *, tty: bool) -> None:
        self.socket = socket
        """The connection; sending writes stdin, SHUT_WR ends it."""
        self.early = early
        """Output that came together with the answer's head."""
        self.tty = tty
        """Whether the answer announced raw bytes and not frames."""


class Session:
    """Calls of one engine. `transport` is kept open between calls."""

    def __init__(self, endpoint: Endpoint, *, api_version: str = "", language: str = "") -> None:
        self.endpoint = endpoint
        self.transport = Connection(endpoint)
        self.on_notice: Callable[[str], object] | None = None
        """Takes what the engine says besides, in the session's language."""
        self._prefix = f"/v{api_version}" if api_version else ""
        self._language = {"Accept-Language": language} if language else {}

    def close(self) -> None:
        """Close the connection."""
        self.transport.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        connection: Connection | None = None,
    ) -> Response:
        """Send a request; the answer has a status below 400 and an unread body.

        Raises: the engine's error; Unavailable when it cannot be reached.
        """
        data = None if body is None else dumps(body)
        fields = {**self._language, **(_JSON if data is not None else {}), **(headers or {})}
        try:
            response = (connection or self.transport).request(
                method, self._target(path, query), headers=fields, body=data
            )
        except OSError as error:
            from budu.client.reach import unreachable

            raise unreachable(self.endpoint, error) from error
        if response.status >= 400:
            raise _failure(response)
        if self.on_notice is not None and "budu-notice" in response.headers:
            self.on_notice(unquote(response.headers["budu-notice"]))
        return response

    def upload(
        self,
        method: str,
        path: str,
        pieces: Iterable[bytes],
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request whose body is an archive that comes in pieces.

        Raises: as `call`, and what `pieces` raises.
        """
        fields = {**self._language, "Content-Type": "application/x-tar", **(headers or {})}
        target = self._target(path, query)
        try:
            response = self.transport.upload(method, target, pieces, headers=fields)
        except OSError as error:
            from budu.client.reach import unreachable

            raise unreachable(self.endpoint, error) from error
        if response.status >= 400:
            raise _failure(response)
        return response

    def fetch(
        self,
        path: str,
        *,
        method: str = "GET",
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON document of an answer; None when the body is empty."""
        data = self.call(method, path, query=query, body=body, headers=headers).read()
        return loads(data) if data.strip() else None

    def do(
        self,
        path: str,
        *,
        method: str = "POST",
        query: Mapping[str, object] | None = None,
        body: object = None,
    ) -> bool:
        """Make a call whose answer says nothing; False when there was nothing to do (304)."""
        response = self.call(method, path, query=query, body=body)
        response.read()
        return response.status != 304

    def _target(self, path: str, query: Mapping[str, object] | None) -> str:
        parameters = encode(query) if query else ""
        return self._prefix + path + ("?" + parameters if parameters else "")

    # The engine.

    def ping(self) -> dict[str, str]:
        """Header fields of `/_ping`: `api-version`, `ostype`, `server` …"""
        response = self.call("GET", "/_ping")
        response.read()
        return response.headers

    def version(self) -> dict[str, Any]:
        """SystemVersion."""
        document: dict[str, Any] = self.fetch("/version")
        return document

    def info(self) -> dict[str, Any]:
        """SystemInfo."""
        document: dict[str, Any] = self.fetch("/info")
        return document

    def disk_usage(self, kinds: list[str] | None = None) -> dict[str, Any]:
        """SystemDataUsage, of the object kinds named or all."""
        document: dict[str, Any] = self.fetch("/system/df", query={"type": kinds})
        return document

    def events(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        filters: Mapping[str, list[str]] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """What happens, as it happens; moments in seconds of the epoch."""
        query = {"since": since, "until": until, "filters": filters}
        response = self.call("GET", "/events", query=query)
        for line in response.lines():
            event: dict[str, Any] = loads(line)
            yield event

    def authenticate(
        self, credentials: Mapping[str, str], *, tls_verify: bool = True
    ) -> dict[str, Any]:
        """Check credentials with the registry; `Status` and perhaps `IdentityToken`."""
        query = {"tlsVerify": None if tls_verify else "0"}
        body = dict(credentials)
        answer: dict[str, Any] = self.fetch("/auth", method="POST", query=query, body=body)
        return answer or {}

    def shut_down(self) -> None:
        """End the engine; containers live on. budu's own call."""
        self.do("/budu/shutdown")

    def prune(
        self, kind: str, filters: Mapping[str, list[str]], *, everything: bool = False
    ) -> dict[str, Any]:
        """Remove what is unused of `containers`, `images`, `networks`, `volumes` or `build`.

        `everything` is for `build` only; others have filters for that.
        """
        query = {"filters": filters or None, "all": everything}
        answer: dict[str, Any] = self.fetch(f"/{kind}/prune", method="POST", query=query)
        return answer or {}

    # Containers.

    def list_containers(
        self,
        *,
        everything: bool = False,
        limit: int = -1,
        size: bool = False,
        filters: Mapping[str, list[str]] | None = None,
    ) -> list[dict[str, Any]]:
        """ContainerSummary objects, newest first."""
        query = {
            "all": everything,
            "limit": limit if limit > 0 else None,
            "size": size,
            "filters": filters or None,
        }
        listed: list[dict[str, Any]] = self.fetch("/containers/json", query=query)
        return listed

    def create_container(
        self, body: Mapping[str, object], *, name: str = "", platform: str = ""
    ) -> dict[str, Any]:
        """`Id` and `Warnings`."""
        query = {"name": name or None, "platform": platform or None}
        answer: dict[str, Any] = self.fetch(
            "/containers/create", method="POST", query=query, body=body
        )
        return answer

    def inspect_container(self, ref: str, *, size: bool = False) -> dict[str, Any]:
        """ContainerInspectResponse."""
        document: dict[str, Any] = self.fetch(_container(ref, "json"), query={"size": size})
        return document

    def start_container(
        self, ref: str, *, detach_keys: str = "", checkpoint: str = "", checkpoint_dir: str = ""
    ) -> bool:
        """False when it runs already."""
        query = {
            "detachKeys": detach_keys or None,
            "checkpoint": checkpoint or None,
            "checkpoint-dir": checkpoint_dir or None,
        }
        return self.do(_container(ref, "start"), query=query)

    def stop_container(self, ref: str, *, timeout_s: int | None = None, signal: str = "") -> bool:
        """False when it does not run."""
        query = {"t": timeout_s, "signal": signal or None}
        return self.do(_container(ref, "stop"), query=query)

    def restart_container(
        self, ref: str, *, timeout_s: int | None = None, signal: str = ""
    ) -> None:
        """Stop, then start."""
        query = {"t": timeout_s, "signal": signal or None}
        self.do(_container(ref, "restart"), query=query)

    def kill_container(self, ref: str, *, signal: str = "") -> None:
        """Send a signal, KILL unless told."""
        self.do(_container(ref, "kill"), query={"signal": signal or None})

    def pause_container(self, ref: str) -> None:
        """Freeze all processes."""
        self.do(_container(ref, "pause"))

    def unpause_container(self, ref: str) -> None:
        """Thaw."""
        self.do(_container(ref, "unpause"))

    def rename_container(self, ref: str, name: str) -> None:
        """Give a new name."""
        self.do(_container(ref, "rename"), query={"name": name})

    def remove_container(
        self, ref: str, *, force: bool = False, volumes: bool = False, link: bool = False
    ) -> None:
        """Delete a container."""
        query = {"force": force, "v": volumes, "link": link}
        self.do(f"/containers/{_word(ref)}", method="DELETE", query=query)

    def resize_container(self, ref: str, *, height: int, width: int) -> None:
        """Tell a container's terminal its size."""
        self.do(_container(ref, "resize"), query={"h": height, "w": width})

    def update_container(self, ref: str, body: Mapping[str, object]) -> list[str]:
        """Change limits and the restart policy. Warnings."""
        answer: dict[str, Any] = self.fetch(_container(ref, "update"), method="POST", body=body)
        return answer.get("Warnings") or []

    def container_processes(self, ref: str, options: str = "") -> dict[str, Any]:
        """`Titles` and `Processes`; `options` are those of `ps`."""
        query = {"ps_args": options or None}
        table: dict[str, Any] = self.fetch(_container(ref, "top"), query=query)
        return table

    def container_stats(self, ref: str, *, connection: Connection) -> Response:
        """Samples of what a container uses, a line a second, on a connection of their own."""
        path = _container(ref, "stats")
        return self.call("GET", path, query={"stream": True}, connection=connection)

    def wait_container(
        self, ref: str, condition: str = "", *, connection: Connection | None = None
    ) -> Response:
        """Begin to wait; the head of the answer has come, its body comes when it is over."""
        query = {"condition": condition or None}
        return self.call("POST", _container(ref, "wait"), query=query, connection=connection)

    def container_logs(
        self, ref: str, query: Mapping[str, object], *, connection: Connection | None = None
    ) -> Response:
        """The log as a stream, framed unless the container has a terminal."""
        return self.call("GET", _container(ref, "logs"), query=query, connection=connection)

    def clear_container_logs(self, ref: str) -> None:
        """Forget what a container wrote; it may go on writing. budu's own call."""
        self.do(_container(ref, "logs"), method="DELETE")

    def attach_container(self, ref: str, query: Mapping[str, object]) -> Hijacked:
        """Join a container's stdio over a connection of its own."""
        return self._hijack(self._target(_container(ref, "attach"), query))

    def create_exec(self, ref: str, body: Mapping[str, object]) -> str:
        """Prepare one more process in a container; its id."""
        answer = self.fetch(_container(ref, "exec"), method="POST", body=body)
        id_: str = answer["Id"]
        return id_

    def start_exec(self, id_: str, body: Mapping[str, object]) -> Hijacked:
        """Run it, and join its stdio over a connection of its own."""
        return self._hijack(self._target(f"/exec/{id_}/start", None), body)

    def start_exec_detached(self, id_: str, body: Mapping[str, object]) -> None:
        """Run it, and leave it alone."""
        self.do(f"/exec/{id_}/start", body=body)

    def inspect_exec(self, id_: str) -> dict[str, Any]:
        """ExecInspectResponse."""
        document: dict[str, Any] = self.fetch(f"/exec/{id_}/json")
        return document

    def resize_exec(self, id_: str, *, height: int, width: int) -> None:
        """Tell its terminal the size."""
        self.do(f"/exec/{id_}/resize", query={"h": height, "w": width})

    def _hijack(self, target: str, body: Mapping[str, object] | None = None) -> Hijacked:
        connection = Connection(self.endpoint)
        headers = dict(self._language)
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = dumps(body)
        try:
            response, raw, early = connection.hijack("POST", target, headers=headers, body=data)
        except OSError as error:
            from budu.client.reach import unreachable

            raise unreachable(self.endpoint, error) from error
        if raw is None:
            raise _failure(response)
        kind = response.headers.get("content-type", "")
        return Hijacked(raw, early, tty=kind == "application/vnd.docker.raw-stream")

    # Images.

    def list_images(
        self,
        *,
        everything: bool = False,
        digests: bool = False,
        manifests: bool = False,
        filters: Mapping[str, list[str]] | None = None,
    ) -> list[dict[str, Any]]:
        """ImageSummary objects."""
        query = {
            "all": everything,
            "digests": digests,
            "manifests": manifests or None,
            "filters": filters or None,
        }
        listed: list[dict[str, Any]] = self.fetch("/images/json", query=query)
        return listed

    def inspect_image(
        self, ref: str, *, platform: str = "", manifests: bool = False
    ) -> dict[str, Any]:
        """ImageInspect."""
        query = {"platform": platform or None, "manifests": manifests or None}
        document: dict[str, Any] = self.fetch(_image(ref, "json"), query=query)
        return document

    def pull_image(
        self,
        name: str,
        *,
        tag: str = "",
        platform: str = "",
        auth: str = "",
        tls_verify: bool = True,
    ) -> Iterator[dict[str, Any]]:
        """JSON messages of the pull; one with `error` is the last.

        An empty `tag` pulls every tag. `auth` is the X-Registry-Auth header's value.
        """
        query = {
            "fromImage": name,
            "tag": tag or None,
            "platform": platform or None,
            "tlsVerify": None if tls_verify else "0",
        }
        headers = {"X-Registry-Auth": auth} if auth else {}
        response = self.call("POST", "/images/create", query=query, headers=headers)
        for line in response.lines():
            message: dict[str, Any] = loads(line)
            yield message

    def tag_image(self, ref: str, *, repository: str, tag: str) -> None:
        """Add a name."""
        self.do(_image(ref, "tag"), query={"repo": repository, "tag": tag})

    def remove_image(
        self,
        ref: str,
        *,
        force: bool = False,
        no_prune: bool = False,
        platforms: list[str] | None = None,
    ) -> list[dict[str, str]]:
        """What was untagged and deleted."""
        query = {"force": force, "noprune": no_prune, "platforms": platforms or None}
        answer: list[dict[str, str]] = self.fetch(
            f"/images/{_path(ref)}", method="DELETE", query=query
        )
        return answer or []

    # Networks and volumes.

    def list_networks(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """Network objects."""
        listed: list[dict[str, Any]] = self.fetch("/networks", query={"filters": filters or None})
        return listed

    def list_volumes(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """Volume objects."""
        answer: dict[str, Any] = self.fetch("/volumes", query={"filters": filters or None})
        volumes: list[dict[str, Any]] = answer.get("Volumes") or []
        return volumes

    def inspect_network(self, ref: str, *, verbose: bool = False) -> dict[str, Any]:
        """Network."""
        query = {"verbose": verbose or None}
        document: dict[str, Any] = self.fetch(f"/networks/{_word(ref)}", query=query)
        return document

    def inspect_volume(self, name: str) -> dict[str, Any]:
        """Volume."""
        document: dict[str, Any] = self.fetch(f"/volumes/{_word(name)}")
        return document

    def create_network(self, body: Mapping[str, object]) -> dict[str, Any]:
        """NetworkCreateResponse."""
        document: dict[str, Any] = self.fetch("/networks/create", method="POST", body=body)
        return document

    def remove_network(self, ref: str) -> None:
        """Delete a network."""
        self.do(f"/networks/{_word(ref)}", method="DELETE")

    def connect_network(self, ref: str, container: str, settings: Mapping[str, object]) -> None:
        """Bring a container into a network."""
        body = {"Container": container, "EndpointConfig": settings}
        self.do(f"/networks/{_word(ref)}/connect", body=body)

    def disconnect_network(self, ref: str, container: str, *, force: bool = False) -> None:
        """Take a container out of a network."""
        body = {"Container": container, "Force": force}
        self.do(f"/networks/{_word(ref)}/disconnect", body=body)

    def open_ports(self, ref: str, bindings: Mapping[str, object]) -> None:
        """Publish more ports of a container."""
        path = f"/budu/containers/{_word(ref)}/ports/open"
        self.do(path, body={"PortBindings": bindings})

    def close_ports(self, ref: str, bindings: Mapping[str, object]) -> None:
        """Close ports of a container; one without bindings is closed whole."""
        path = f"/budu/containers/{_word(ref)}/ports/close"
        self.do(path, body={"PortBindings": bindings})

    def list_ports(self) -> list[dict[str, Any]]:
        """OpenPort objects of all containers."""
        listed: list[dict[str, Any]] = self.fetch("/budu/ports")
        return listed

    def diagnose_network(self, container: str = "") -> dict[str, Any]:
        """NetworkDiagnosis of a container, of any that runs without a name."""
        query = {"container": container or None}
        document: dict[str, Any] = self.fetch("/budu/network/diagnosis", query=query)
        return document

    def create_volume(
        self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> dict[str, Any]:
        """Volume; one without a name gets a random one."""
        body = {"Name": name, "Driver": driver, "DriverOpts": options, "Labels": labels}
        document: dict[str, Any] = self.fetch("/volumes/create", method="POST", body=body)
        return document

    def resize_volume(self, name: str, size: int) -> None:
        """Give a volume another size in bytes."""
        self.do(f"/budu/volumes/{_word(name)}/size", method="PUT", body={"Size": size})

    def remove_volume(self, name: str, *, force: bool = False) -> None:
        """Delete a volume."""
        self.do(f"/volumes/{_word(name)}", method="DELETE", query={"force": force or None})


def _failure(response: Response) -> BuduError:
    """The engine's error, of which most commands never hear."""
    from budu.client.errors import error_of

    return error_of(response.status, response.read())


def _container(ref: str, action: str) -> str:
    return f"/containers/{_word(ref)}/{action}"


def _image(ref: str, action: str) -> str:
    return f"/images/{_path(ref)}/{action}"


def _word(ref: str) -> str:
    return quote(ref, safe="")


def _path(ref: str) -> str:
    return quote(ref, safe="/:@")
