"""`budu context …`: saved engines, in docker's own store. Light.

Source: docker context reference; docker/cli, cli/command/context.
"""

from __future__ import annotations

import sys

from budu.base.errors import InvalidArgument, NotFound
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.client.contexts import DEFAULT_CONTEXT, TLS_NAMES, ContextStore, check_context_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from budu.cli.context import Context

DEFAULT_DESCRIPTION = "Current DOCKER_HOST based configuration"
_IN_MEMORY = "<IN MEMORY>"
_KEYS = ("from", "host", *TLS_NAMES, "skip-tls-verify")
_HEADERS = {
    "Name": "NAME",
    "Description": "DESCRIPTION",
    "DockerEndpoint": "DOCKER ENDPOINT",
    "Error": "ERROR",
}


def run_create(context: Context, call: Call) -> int:
    """Store a new context."""
    (name,) = call.args
    check_context_name(name)
    store = _store(context)
    if name in store.names():
        raise CommandFailed(f'context "{name}" already exists')
    origin = call.text("from")
    if origin and not call.values["docker"]:
        document, files = _load(context, origin)
    else:
        document, files = _endpoint(context, call.values["docker"])
    metadata = dict(document.get("Metadata") or {})
    if call.text("description"):
        metadata["Description"] = call.text("description")
    store.write(name, {**document, "Name": name, "Metadata": metadata})
    store.write_tls(name, files)
    context.out.write(name + "\n")
    context.say(f'Successfully created context "{name}"')
    return 0


def run_update(context: Context, call: Call) -> int:
    """Change a stored context."""
    (name,) = call.args
    store = _store(context)
    _refuse_default(name, "updated")
    document = store.read(name)
    metadata = dict(document.get("Metadata") or {})
    if "description" in call.given:
        metadata["Description"] = call.text("description")
    if call.values["docker"]:
        changed, files = _endpoint(context, call.values["docker"])
        document["Endpoints"] = changed["Endpoints"]
        store.write_tls(name, files)
    store.write(name, {**document, "Metadata": metadata})
    context.out.write(name + "\n")
    context.say(f'Successfully updated context "{name}"')
    return 0


def run_ls(context: Context, call: Call) -> int:
    """List contexts; the one in use has a star."""
    current = context.current_context
    names = [DEFAULT_CONTEXT, *_store(context).names()]
    if call.on("quiet"):
        context.out.write("".join(f"{name}\n" for name in names))
        return 0
    form = call.text("format")
    rows = [_row(context, name, current=name == current) for name in names]
    if form in ("", "table"):
        for row in rows:
            row["Name"] = f"{row['Name']} *" if row["Current"] else row["Name"]
    from budu.cli.format import print_rows

    print_rows(
        rows, context.out, columns=list(_HEADERS.items()),
        headers={**_HEADERS, "Current": "CURRENT"}, form=form,
    )  # fmt: skip
    _warn_of_environment(context, "a context")
    return 0


def _row(context: Context, name: str, *, current: bool) -> dict[str, object]:
    error = ""
    try:
        document, _ = _load(context, name)
    except (InvalidArgument, NotFound) as failure:
        document, error = {}, failure.message
    metadata = document.get("Metadata") or {}
    description = DEFAULT_DESCRIPTION if name == DEFAULT_CONTEXT else metadata.get("Description")
    return {
        "Name": name,
        "Current": current,
        "Description": description or "",
        "DockerEndpoint": _docker(document).get("Host", ""),
        "Error": error,
    }


def run_inspect(context: Context, call: Call) -> int:
    """Print contexts, the current one without arguments."""
    from budu.cli.format import print_inspected

    documents, status = [], 0
    for name in call.args or [context.current_context]:
        try:
            documents.append(_inspection(context, name))
        except (InvalidArgument, NotFound) as error:
            context.report(error)
            status = 1
    print_inspected(documents, context.out, form=call.text("format"))
    return status


def _inspection(context: Context, name: str) -> dict[str, object]:
    document, files = _load(context, name)
    paths = (_IN_MEMORY, _IN_MEMORY)
    if name != DEFAULT_CONTEXT:
        paths = _store(context).paths(name)
    return {
        "Name": name,
        "Metadata": document.get("Metadata") or {},
        "Endpoints": document["Endpoints"],
        "TLSMaterial": {"docker": sorted(files)} if files else {},
        "Storage": {"MetadataPath": paths[0], "TLSPath": paths[1]},
    }


def run_rm(context: Context, call: Call) -> int:
    """Remove contexts; what cannot be removed is told and the rest goes on."""
    status = 0
    for name in call.args:
        try:
            _remove(context, name, force=call.on("force"))
        except (CommandFailed, InvalidArgument) as error:
            context.say(error.message)
            status = 1
        else:
            context.out.write(name + "\n")
    return status


def _remove(context: Context, name: str, *, force: bool) -> None:
    _refuse_default(name, "removed")
    store = _store(context)
    if name not in store.names() and not force:
        raise CommandFailed(f'context "{name}" does not exist')
    if name == context.current_context and not force:
        raise CommandFailed(f'context "{name}" is in use, set -f flag to force remove')
    if name == context.config.text("currentContext"):
        _set_current(context, "")
    store.remove(name)


def run_use(context: Context, call: Call) -> int:
    """Make a context the one that is used."""
    (name,) = call.args
    if name != DEFAULT_CONTEXT:
        _store(context).read(name)
    _set_current(context, "" if name == DEFAULT_CONTEXT else name)
    context.out.write(name + "\n")
    context.say(f'Current context is now "{name}"')
    if name != DEFAULT_CONTEXT:
        _warn_of_environment(context, f'"{name}"')
    return 0


def run_show(context: Context, call: Call) -> int:
    """Print the name of the context in use."""
    del call
    context.out.write(context.current_context + "\n")
    return 0


def run_export(context: Context, call: Call) -> int:
    """Write a context as a tar: into a file, or to standard output for `-`."""
    from budu.cli.context_archive import pack

    name = call.args[0]
    target = call.args[1] if len(call.args) > 1 else f"{name}.dockercontext"
    document, files = _load(context, name)
    data = pack({**document, "Name": name}, files)
    if target == "-":
        if context.out.isatty():
            raise CommandFailed("cowardly refusing to export to a terminal, specify a file path")
        context.out.buffer.write(data)
        return 0
    try:
        with open(target, "xb") as file:  # noqa: PTH123 - light
            file.write(data)
    except FileExistsError:
        raise CommandFailed(f"open {target}: file exists") from None
    context.say(f'Written file "{target}"')
    return 0


def run_import(context: Context, call: Call) -> int:
    """Store a context from a tar or zip file, or from standard input."""
    from budu.cli.context_archive import unpack

    name, source = call.args
    check_context_name(name)
    store = _store(context)
    if name in store.names():
        raise CommandFailed(f'context "{name}" already exists')
    document, files = unpack(_read(source))
    store.write(name, {**document, "Name": name})
    store.write_tls(name, files)
    context.out.write(name + "\n")
    context.say(f'Successfully imported context "{name}"')
    return 0


def _read(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        with open(source, "rb") as file:  # noqa: PTH123 - light
            return file.read()
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise CommandFailed(f"open {source}: {reason}") from None


def _store(context: Context) -> ContextStore:
    return ContextStore(context.config_folder)


def _load(context: Context, name: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A context's document and TLS files; the default one is made up.

    Raises: NotFound, InvalidArgument.
    """
    if name != DEFAULT_CONTEXT:
        store = _store(context)
        return store.read(name), store.tls_files(name)
    return {"Metadata": {}, "Endpoints": {"docker": _default_docker(context)}}, {}


def _default_docker(context: Context) -> dict[str, object]:
    from budu.client.endpoint import default_endpoint

    host = context.environ.get("BUDU_HOST") or context.environ.get("DOCKER_HOST")
    return {"Host": host or default_endpoint(context.environ).address, "SkipTLSVerify": False}


def _docker(document: Mapping[str, Any]) -> Mapping[str, Any]:
    docker = (document.get("Endpoints") or {}).get("docker")
    return docker if isinstance(docker, dict) else {}


def _endpoint(context: Context, given: object) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The document and TLS files that `--docker host=…,ca=…` describes.

    Raises: CommandFailed for an unknown key or a file that is not there.
    """
    values = dict(given) if isinstance(given, dict) else {}
    for key in values:
        if key not in _KEYS:
            raise CommandFailed(
                f"unable to create docker endpoint config: unrecognized config key: {key}"
            )
    if "from" in values:
        document, files = _load(context, values["from"])
        return {"Endpoints": document["Endpoints"]}, files
    if not values:
        return {"Endpoints": {"docker": _default_docker(context)}}, {}
    from budu.client.endpoint import parse_host

    parse_host(values.get("host", ""), "--docker") if values.get("host") else None
    skip = values.get("skip-tls-verify", "").lower() in ("1", "t", "true")
    docker = {"Host": values.get("host", ""), "SkipTLSVerify": skip}
    files = {f"{key}.pem": _read(values[key]) for key in TLS_NAMES if values.get(key)}
    return {"Endpoints": {"docker": docker}}, files


def _refuse_default(name: str, done: str) -> None:
    if name == DEFAULT_CONTEXT:
        raise InvalidArgument(f'context "default" cannot be {done}')


def _set_current(context: Context, name: str) -> None:
    config = context.config
    if name:
        config.document["currentContext"] = name
    else:
        config.document.pop("currentContext", None)
    config.save()


def _warn_of_environment(context: Context, what: str) -> None:
    for variable in ("BUDU_HOST", "DOCKER_HOST"):
        if context.environ.get(variable):
            context.say(
                f"Warning: {variable} environment variable overrides the active context. To use "
                f"{what}, either set the global --context flag, or unset {variable} environment "
                "variable."
            )
            return


def _read_pairs(text: str) -> dict[str, str]:
    """`host=tcp://h:1,ca=file`. Raises: InvalidArgument."""
    pairs = {}
    for part in text.split(","):
        key, separator, value = part.strip().partition("=")
        if not separator:
            raise InvalidArgument(f"{part} must be formatted as key=value")
        pairs[key] = value
    return pairs


_DESCRIPTION = Flag("description", "string",
                    help=("Description of the context", "컨텍스트 설명"))  # fmt: skip
_DOCKER = Flag("docker", "map", default={}, read=_read_pairs,
               help=("Set the engine's endpoint: host, ca, cert, key, skip-tls-verify, from",
                     "엔진 주소 설정: host, ca, cert, key, skip-tls-verify, from"))  # fmt: skip
_FORMAT = Flag("format", "string", short="f",
               help=("json, or a Go template", "json 또는 Go 템플릿"))  # fmt: skip

CREATE = Command(
    run_create,
    usage="[OPTIONS] CONTEXT",
    help=("Create a context", "컨텍스트를 만듭니다"),
    flags=(_DESCRIPTION, _DOCKER,
           Flag("from", "string", help=("Create it from another context",
                                        "다른 컨텍스트를 바탕으로 만듭니다"))),
    least=1,
    most=1,
    examples=("context create far --docker host=ssh://me@far",),
)  # fmt: skip
UPDATE = Command(
    run_update,
    usage="[OPTIONS] CONTEXT",
    help=("Update a context", "컨텍스트를 고칩니다"),
    flags=(_DESCRIPTION, _DOCKER),
    least=1,
    most=1,
)
LS = Command(
    run_ls,
    usage="[OPTIONS]",
    help=("List contexts", "컨텍스트 목록을 봅니다"),
    flags=(
        Flag("format", "string", help=("table, json, or a Go template",
                                       "table, json 또는 Go 템플릿")),
        Flag("quiet", short="q", help=("Show only names", "이름만 보입니다")),
    ),
    most=0,
)  # fmt: skip
INSPECT = Command(
    run_inspect,
    usage="[OPTIONS] [CONTEXT] [CONTEXT...]",
    help=("Show details of contexts", "컨텍스트를 자세히 봅니다"),
    flags=(_FORMAT,),
)
RM = Command(
    run_rm,
    usage="CONTEXT [CONTEXT...]",
    help=("Remove contexts", "컨텍스트를 지웁니다"),
    flags=(Flag("force", short="f", help=("Remove also the one in use",
                                          "사용 중인 것도 지웁니다")),),
    least=1,
)  # fmt: skip
USE = Command(
    run_use,
    usage="CONTEXT",
    help=("Set the context that is used", "사용할 컨텍스트를 정합니다"),
    least=1,
    most=1,
)
SHOW = Command(
    run_show,
    usage="",
    help=("Print the name of the context in use", "사용 중인 컨텍스트 이름을 출력합니다"),
    most=0,
)
EXPORT = Command(
    run_export,
    usage="[OPTIONS] CONTEXT [FILE|-]",
    help=("Write a context into a tar file", "컨텍스트를 tar 파일로 내보냅니다"),
    least=1,
    most=2,
)
IMPORT = Command(
    run_import,
    usage="CONTEXT FILE|-",
    help=("Read a context from a tar or zip file", "tar 또는 zip 파일에서 컨텍스트를 읽습니다"),
    least=2,
    most=2,
)
