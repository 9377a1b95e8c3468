"""`budu volume rename|clone|cp|export|import|snapshot|browse`. Light."""

from __future__ import annotations

import os

from budu.base.errors import NotFound
from budu.cli.copy_flags import COPY_FLAGS
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.reading import open_file, pieces_of
from budu.client import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context

_ENDINGS = {".gz": "gzip", ".tgz": "gzip", ".zst": "zstd", ".tzst": "zstd"}
_COMPRESSIONS = ("none", "gzip", "zstd")
_LETTERS = {"file": "-", "directory": "d", "link": "l"}


def run_rename(context: Context, call: Call) -> int:
    """Give a volume another name; its containers follow."""
    volumes.rename_volume(context.session, *call.args)
    return 0


def run_clone(context: Context, call: Call) -> int:
    """Make a second volume with the same data, and print its name."""
    volumes.clone_volume(context.session, *call.args)
    context.out.write(call.args[1] + "\n")
    return 0


def run_copy(context: Context, call: Call) -> int:
    """Copy between volumes and this machine: `budu cp` where `NAME:path` is a volume's."""
    from budu.cli.commands.cp import run_cp

    args = [_as_volume(text) for text in call.args]
    values, given = call.values, call.given
    return run_cp(context, Call(call.command, call.path, values=values, given=given, args=args))


def _as_volume(text: str) -> str:
    """`data:/x` as `volume:data/x`; paths and `-` as they are."""
    name, colon, path = text.partition(":")
    if not colon or text.startswith(("/", ".", "volume:")) or "/" in name:
        return text
    return f"volume:{name}/{path.lstrip('/')}"


def run_export(context: Context, call: Call) -> int:
    """Write a volume's files as a tar archive to a file or to standard output."""
    from budu.cli.commands.export import write_archive

    name, target = call.args[0], call.text("output")
    compression = _compression(call.text("compress"), target)
    write_archive(
        context,
        target,
        lambda: volumes.export_volume(context.session, name, compression),
        action="export volume",
    )
    return 0


def _compression(wanted: str, target: str) -> str:
    """What was asked for, else what the file's ending says; empty for none."""
    if wanted and wanted not in _COMPRESSIONS:
        raise CommandFailed(f"invalid compression: {wanted}: must be none, gzip or zstd")
    chosen = wanted or _ENDINGS.get(os.path.splitext(target)[1], "none")
    return "" if chosen == "none" else chosen


def run_import(context: Context, call: Call) -> int:
    """Fill a volume from a tar archive; one that is not there is made, and taken back if it
    fails."""
    name, source = call.args[0], call.args[1] if len(call.args) > 1 else "-"
    session = context.session
    fd = 0 if source == "-" else open_file(source)
    try:
        session.inspect_volume(name)
        is_new = False
    except NotFound:
        session.create_volume(name, driver="local", options={}, labels={})
        is_new = True
    from budu.client.archives import Archives

    try:
        Archives(session, name, volume=True).write("/", pieces_of(fd))
    except BaseException:
        if is_new:
            session.close()
            session.remove_volume(name)
        raise
    context.out.write(name + "\n")
    return 0


def run_snapshot(context: Context, call: Call) -> int:
    """List, make, put back and remove what a volume was."""
    action, name, *rest = call.args
    session = context.session
    if action == "create":
        context.out.write(volumes.make_snapshot(session, name, rest[0] if rest else "") + "\n")
    elif action == "ls":
        _print_snapshots(context, volumes.list_snapshots(session, name))
    elif action in ("restore", "rm") and rest:
        for each in rest:
            act = volumes.restore_snapshot if action == "restore" else volumes.remove_snapshot
            act(session, name, each)
            context.out.write(each + "\n")
    else:
        raise CommandFailed(
            "usage: budu volume snapshot create VOLUME [SNAPSHOT] | ls VOLUME | "
            "restore VOLUME SNAPSHOT | rm VOLUME SNAPSHOT..."
        )
    return 0


def _print_snapshots(context: Context, rows: list[dict[str, Any]]) -> None:
    import time

    from budu.base.units import human_duration, human_size
    from budu.cli.format import print_rows

    columns = [("Name", "SNAPSHOT"), ("CreatedSince", "CREATED"), ("Size", "SIZE")]
    shown = [
        {
            "Name": each["Name"],
            "CreatedSince": human_duration(time.time_ns() - each["CreatedNs"]) + " ago",
            "Size": human_size(each["Size"]),
        }
        for each in rows
    ]
    print_rows(shown, context.out, columns=columns, headers=dict(columns), form="")


def run_browse(context: Context, call: Call) -> int:
    """List what is in a directory of a volume."""
    name, _, path = call.args[0].partition(":")
    rows = volumes.browse_volume(context.session, name, call.args[1] if call.args[1:] else path)
    if call.on("quiet"):
        context.out.write("".join(f"{each['Name']}\n" for each in rows))
        return 0
    width = max((len(str(each["Size"])) for each in rows), default=0)
    for each in rows:
        context.out.write(_line(each, width) + "\n")
    return 0


def _line(entry: dict[str, Any], width: int) -> str:
    """A line as of `ls -ln`."""
    import time

    letters = _LETTERS.get(entry["Kind"], "?")
    for shift in (6, 3, 0):
        bits = entry["Mode"] >> shift
        letters += "".join(c if bits & b else "-" for c, b in (("r", 4), ("w", 2), ("x", 1)))
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry["ModifiedNs"] // 10**9))
    link = f" -> {entry['LinkTarget']}" if entry["LinkTarget"] else ""
    owner = f"{entry['Uid']}:{entry['Gid']}"
    return f"{letters} {owner:>11} {entry['Size']:>{width}} {moment} {_shown(entry['Name'])}{link}"


def _shown(name: str) -> str:
    """A name that cannot change the terminal."""
    return "".join(each if each.isprintable() else "?" for each in name)


VOLUME_RENAME = Command(
    run_rename,
    usage="VOLUME NEW_NAME",
    help=("Rename a volume; its containers follow", "볼륨 이름을 바꿉니다. 컨테이너도 따라갑니다"),
    least=2,
    most=2,
    examples=("volume rename data data-old",),
)
VOLUME_CLONE = Command(
    run_clone,
    usage="VOLUME NEW_NAME",
    help=("Make a second volume with the same data", "같은 데이터로 볼륨을 하나 더 만듭니다"),
    least=2,
    most=2,
    examples=("volume clone data data-test",),
)
VOLUME_CP = Command(
    run_copy,
    usage="[OPTIONS] VOLUME:SRC_PATH|SRC_PATH|- VOLUME:DEST_PATH|DEST_PATH|-",
    help=(
        "Copy files between volumes and this machine",
        "볼륨과 이 컴퓨터 사이에서 파일을 복사합니다",
    ),
    flags=COPY_FLAGS,
    least=2,
    examples=("volume cp dump.sql data:/", "volume cp data:/dump.sql .", "volume cp a:/x b:/"),
)  # fmt: skip
VOLUME_EXPORT = Command(
    run_export,
    usage="[OPTIONS] VOLUME",
    help=("Write a volume's files as a tar archive",
          "볼륨의 파일을 tar 보관 파일로 내보냅니다"),
    flags=(
        Flag("compress", "string",
             help=("none, gzip or zstd; otherwise as the file's ending says",
                   "none, gzip, zstd. 없으면 파일 이름의 끝을 따릅니다")),
        Flag("output", "string", short="o",
             help=("Write to this file instead of standard output",
                   "표준 출력 대신 이 파일에 씁니다")),
    ),
    least=1,
    most=1,
    examples=("volume export -o data.tar.zst data", "volume export data | ssh host budu volume"
              " import data"),
)  # fmt: skip
VOLUME_IMPORT = Command(
    run_import,
    usage="VOLUME [FILE|-]",
    help=(
        "Fill a volume from a tar archive, compressed or not",
        "tar 보관 파일(압축 가능)로 볼륨을 채웁니다",
    ),
    least=1,
    most=2,
    examples=("volume import data data.tar.zst", "volume import data < data.tar"),
)
VOLUME_SNAPSHOT = Command(
    run_snapshot,
    usage="create|ls|restore|rm VOLUME [SNAPSHOT...]",
    help=(
        "Keep what a volume is now, list it, put it back, remove it",
        "볼륨의 지금 모습을 남기고, 보고, 되돌리고, 지웁니다",
    ),
    least=2,
    examples=(
        "volume snapshot create data before-upgrade",
        "volume snapshot ls data",
        "volume snapshot restore data before-upgrade",
        "volume snapshot rm data before-upgrade",
    ),
)
VOLUME_BROWSE = Command(
    run_browse,
    usage="[OPTIONS] VOLUME[:PATH]",
    help=("List what is in a volume", "볼륨 안을 봅니다"),
    flags=(Flag("quiet", short="q", help=("Show only names", "이름만 보입니다")),),
    least=1,
    most=2,
    examples=("volume browse data", "volume browse data:/var/lib"),
)
