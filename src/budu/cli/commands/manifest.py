"""`budu manifest`: lists of manifests, one name for several platforms. Light.

A list is put together here and stored in its registry by `push`.
Source: docker manifest reference; docker/cli 28.2, cli/command/manifest (the sentences).
"""

from __future__ import annotations

from budu.base.errors import BuduError, NotFound
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.manifest_store import ManifestStore
from budu.cli.names import parse_name
from budu.client.images import push_manifest_list, remote_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context

_DOCKER = "application/vnd.docker.distribution.manifest"
_SYSTEMS = frozenset(
    ("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux",
     "netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows", "zos"),
)  # fmt: skip
_ARCHITECTURES = frozenset(
    ("386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64",
     "ppc64le", "riscv64", "s390x", "wasm"),
)  # fmt: skip
"""Go's own, which image indexes use. Source: OCI image-spec 1.1, image-index, "platform"."""


def run_create(context: Context, call: Call) -> int:
    """Begin a list of manifests that are in a registry."""
    target, *members = call.args
    name, store = _name(target), ManifestStore(context.config_folder)
    if store.has(name) and not call.on("amend"):
        raise CommandFailed("refusing to amend an existing manifest list with no --amend flag")
    entries = store.read(name) if store.has(name) else []
    for member in members:
        _add(entries, _found(context, _name(member), insecure=call.on("insecure")))
    store.write(name, entries)
    context.out.write(f"Created manifest list {name}\n")
    return 0


def _found(context: Context, name: str, *, insecure: bool) -> dict[str, Any]:
    found = _remote(context, name, insecure=insecure)
    if "manifests" in found["Document"]:
        raise CommandFailed(f"{name} is a manifest list")
    return {"Ref": name, "Descriptor": found["Descriptor"]}


def _add(entries: list[dict[str, Any]], entry: dict[str, Any]) -> None:
    """Add an entry, or replace the one with the same name."""
    entries[:] = [each for each in entries if each["Ref"] != entry["Ref"]] + [entry]


def run_annotate(context: Context, call: Call) -> int:
    """Say more about a manifest of a list."""
    name, member = map(_name, call.args)
    store = ManifestStore(context.config_folder)
    entries = store.read(name) if store.has(name) else []
    entry = next((each for each in entries if each["Ref"] == member), None)
    if entry is None:
        raise CommandFailed(f"manifest for image {member} does not exist in {name}")
    platform = entry["Descriptor"].setdefault("platform", {})
    fields = (("arch", "architecture"), ("os", "os"), ("variant", "variant"),
              ("os-version", "os.version"))  # fmt: skip
    for flag, field in fields:
        if call.text(flag):
            platform[field] = call.text(flag)
    if call.texts("os-features"):
        platform["os.features"] = call.texts("os-features")
    system, architecture = platform.get("os", ""), platform.get("architecture", "")
    if system not in _SYSTEMS or architecture not in _ARCHITECTURES:
        message = "manifest entry for image has unsupported os/arch combination: "
        raise CommandFailed(f"{message}{system}/{architecture}")
    store.write(name, entries)
    return 0


def run_inspect(context: Context, call: Call) -> int:
    """Print a manifest, or a list, or one of a list's manifests."""
    from budu.cli.format import indent_json

    store = ManifestStore(context.config_folder)
    name = _name(call.args[-1])
    if len(call.args) == 2:
        listed = store.read(_name(call.args[0]))
        entry = next((each for each in listed if each["Ref"] == name), None)
        if entry is None:
            raise CommandFailed(f"No such manifest: {name}")
        found = _remote(context, name, insecure=call.on("insecure"))
        document: Any = _whole({**found, **entry}) if call.on("verbose") else found["Document"]
    elif store.has(name):
        entries = store.read(name)
        document = (
            _with_documents(context, call, entries) if call.on("verbose") else _as_list(entries)
        )
    else:
        found = _remote(context, name, insecure=call.on("insecure"))
        document = _verbose(context, call, found) if call.on("verbose") else found["Document"]
    context.out.write(indent_json(document) + "\n")
    return 0


def _verbose(context: Context, call: Call, found: dict[str, Any]) -> Any:
    """A manifest with its descriptor; of a list, each of its manifests so."""
    if "manifests" not in found["Document"]:
        return _whole(found)
    repository = parse_name(found["Ref"]).repository
    entries = [
        {"Ref": f"{repository}@{each['digest']}", "Descriptor": each}
        for each in found["Document"]["manifests"]
    ]
    return _with_documents(context, call, entries)


def _with_documents(context: Context, call: Call, entries: list[dict[str, Any]]) -> list[Any]:
    insecure = call.on("insecure")
    return [
        _whole({**_remote(context, _of_entry(each), insecure=insecure), **each}) for each in entries
    ]


def _of_entry(entry: dict[str, Any]) -> str:
    return f"{parse_name(entry['Ref']).repository}@{entry['Descriptor']['digest']}"


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    """As Docker shows a manifest: its bytes, and what they say under the name of their kind."""
    is_docker = found["Descriptor"]["mediaType"].startswith(_DOCKER)
    kind = "SchemaV2Manifest" if is_docker else "OCIManifest"
    rest = {key: found[key] for key in ("Ref", "Descriptor", "Raw")}
    return {**rest, kind: found["Document"]}


def _as_list(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The document that a push would store."""
    descriptors = [entry["Descriptor"] for entry in entries]
    is_docker = all(each["mediaType"].startswith(_DOCKER) for each in descriptors)
    kind = f"{_DOCKER}.list.v2+json" if is_docker else "application/vnd.oci.image.index.v1+json"
    return {"schemaVersion": 2, "mediaType": kind, "manifests": descriptors}


def run_push(context: Context, call: Call) -> int:
    """Store a list in its registry; the last line is its digest."""
    from budu.cli.credentials import registry_auth

    name, store = _name(call.args[0]), ManifestStore(context.config_folder)
    entries = store.read(name)
    auth = registry_auth(context.config, name)
    verify = not call.on("insecure")
    stored = push_manifest_list(context.session, name, entries, auth=auth, tls_verify=verify)
    if call.on("purge"):
        store.remove(name)
    repository = parse_name(name).repository
    for each in entries:
        digest = each["Descriptor"]["digest"]
        context.out.write(f"Pushed ref {repository}@{digest} with digest: {digest}\n")
    context.out.write(f"{stored['digest']}\n")
    return 0


def run_rm(context: Context, call: Call) -> int:
    """Forget lists that were not pushed, or are not needed here any more."""
    store, status = ManifestStore(context.config_folder), 0
    for each in call.args:
        try:
            store.remove(_name(each))
        except NotFound as error:
            context.report(error)
            status = 1
    return status


def _remote(context: Context, name: str, *, insecure: bool) -> dict[str, Any]:
    from budu.cli.credentials import registry_auth

    try:
        auth = registry_auth(context.config, name)
        return remote_manifest(context.session, name, auth=auth, tls_verify=not insecure)
    except NotFound as error:
        raise _no_such(name, error) from None


def _no_such(name: str, error: BuduError) -> BuduError:
    return NotFound(f"no such manifest: {name}", hint=error.hint)


def _name(text: str) -> str:
    return parse_name(text).with_default_tag().canonical


_INSECURE = Flag("insecure", help=("Talk to a registry whose certificate is not trusted",
                                   "인증서를 신뢰하지 않는 레지스트리도 씁니다"))  # fmt: skip
CREATE = Command(
    run_create,
    usage="MANIFEST_LIST MANIFEST [MANIFEST...]",
    help=("Begin a list of manifests", "매니페스트 목록을 만들기 시작합니다"),
    flags=(
        Flag("amend", short="a", help=("Add to a list that is there",
                                       "이미 있는 목록에 더합니다")),
        _INSECURE,
    ),
    least=2,
)  # fmt: skip
ANNOTATE = Command(
    run_annotate,
    usage="[OPTIONS] MANIFEST_LIST MANIFEST",
    help=("Say more about a manifest of a list", "목록의 매니페스트에 정보를 더합니다"),
    flags=(
        Flag("arch", "string", help=("Architecture", "아키텍처")),
        Flag("os", "string", help=("Operating system", "운영 체제")),
        Flag("os-features", "strings", help=("Features of the operating system",
                                             "운영 체제의 기능")),
        Flag("os-version", "string", help=("Version of the operating system", "운영 체제 버전")),
        Flag("variant", "string", help=("Variant of the architecture", "아키텍처 변형")),
    ),
    least=2,
    most=2,
)  # fmt: skip
INSPECT = Command(
    run_inspect,
    usage="[OPTIONS] [MANIFEST_LIST] MANIFEST",
    help=("Show a manifest or a list", "매니페스트나 목록을 봅니다"),
    flags=(
        _INSECURE,
        Flag("verbose", short="v", help=("Show descriptors as well", "디스크립터도 보입니다")),
    ),
    least=1,
    most=2,
)
PUSH = Command(
    run_push,
    usage="[OPTIONS] MANIFEST_LIST",
    help=("Store a list in its registry", "목록을 레지스트리에 올립니다"),
    flags=(
        _INSECURE,
        Flag("purge", short="p", help=("Forget the list here afterwards",
                                       "올린 뒤 여기서는 지웁니다")),
    ),
    least=1,
    most=1,
)  # fmt: skip
RM = Command(
    run_rm,
    usage="MANIFEST_LIST [MANIFEST_LIST...]",
    help=("Forget lists", "목록을 지웁니다"),
    least=1,
)
