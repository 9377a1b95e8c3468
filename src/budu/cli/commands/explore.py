"""`budu image explore`, `image diff`, `image cleanup` and `doctor storage`. Light."""

from __future__ import annotations

from budu.base.units import human_size
from budu.cli.declare import Call, Command, Flag
from budu.client.images import check_storage, clean_images, compare_images, explore_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context

_SIGNS = {"added": "A", "changed": "C", "removed": "D"}
_DEFAULT_FILES = 5
_BY_LENGTH = 60


def run_explore(context: Context, call: Call) -> int:
    """Show what each layer of an image adds, changes, removes and wastes."""
    given = "files" in call.given
    files = call.number("files") if given else _DEFAULT_FILES
    found = explore_image(context.session, call.args[0], files=files)
    say = context.out.write
    layers = found["Layers"]
    for number, layer in enumerate(layers, 1):
        head = f"{number}/{len(layers)}  {layer['DiffId'][7:19]}  {_size(layer['Size'])}"
        say(f"{head}  {layer['CreatedBy'][:_BY_LENGTH]}".rstrip() + "\n")
        say("     " + context.message(
            "cli.explore-counts",
            added=layer["Added"],
            changed=layer["Changed"],
            removed=layer["Removed"],
            wasted=_size(layer["Wasted"]),
        ) + "\n")  # fmt: skip
        for each in layer["Files"]:
            say(f"     {_line(each)}\n")
    share = found["Wasted"] * 100 // found["Size"] if found["Size"] else 0
    size, wasted = _size(found["Size"]), _size(found["Wasted"])
    say(context.message("cli.explore-sum", size=size, wasted=wasted, share=share) + "\n")
    return 0


def run_diff(context: Context, call: Call) -> int:
    """Show how the files of a second image differ from the first one's."""
    for each in compare_images(context.session, *call.args):
        context.out.write(_line(each) + "\n")
    return 0


def _line(change: dict[str, Any]) -> str:
    moved = change["Size"] - change["Wasted"]
    size = _size(abs(moved))
    sign = "-" if moved < 0 else "+"
    return f"{_SIGNS[change['Kind']]} {sign + size:>9}  {change['Path']}"


def run_storage(context: Context, call: Call) -> int:
    """Look for what is missing, broken and in nobody's use; 1 when something is wrong."""
    found = check_storage(context.session, deep=not call.on("quick"), repair=call.on("repair"))
    say = context.out.write
    say(context.message("cli.storage-seen", blobs=found["Blobs"], layers=found["Layers"]) + "\n")
    for key, field in (
        ("cli.storage-missing", ("MissingBlobs", "MissingLayers")),
        ("cli.storage-broken", ("BrokenBlobs", "BrokenLayers")),
        ("cli.storage-orphans", ("OrphanBlobs", "OrphanLayers")),
    ):
        digests = [digest for each in field for digest in found[each]]
        mark = "✓" if not digests else "-" if "Orphan" in field[0] else "✗"
        size = _size(found["OrphanBytes"])
        say(f"  {mark} {context.message(key, count=len(digests), size=size)}\n")
        for digest in digests[:10]:
            say(f"      {digest}\n")
    bad = {
        *found["MissingBlobs"], *found["MissingLayers"],
        *found["BrokenBlobs"], *found["BrokenLayers"],
    } - {*found["Repaired"]}  # fmt: skip
    if call.on("repair"):
        count, freed = len(found["Repaired"]), _size(found["FreedBytes"])
        say(context.message("cli.storage-repaired", count=count, freed=freed) + "\n")
    told = "cli.storage-pull" if call.on("repair") else "cli.storage-concerns"
    for name in found["Images"] if bad else ():
        say("→ " + context.message(told, name=name) + "\n")
    if (bad or found["OrphanBytes"]) and not call.on("repair"):
        say("→ " + context.message("cli.storage-repair") + "\n")
    return 1 if bad else 0


def run_cleanup(context: Context, call: Call) -> int:
    """Delete the images that a policy lets go, or only show them."""
    keys = ("unused-for", "keep-last", "max-size")
    rules = {key: call.text(key) for key in keys if call.text(key)}
    rows = clean_images(context.session, rules, preview=call.on("dry-run"))
    for row in rows:
        mark = "" if row["Deleted"] or call.on("dry-run") else "-"
        context.out.write(f"{mark}{row['Name']}  {_size(row['Size'])}  {row['Rule']}\n")
    if not rows:
        context.out.write(context.message("cli.cleanup-nothing") + "\n")
    return 0


def _size(size: int) -> str:
    return human_size(size, precision=3)


IMAGE_EXPLORE = Command(
    run_explore,
    usage="[OPTIONS] IMAGE",
    help=("Show what each layer adds, changes and wastes",
          "레이어마다 더하고 바꾸고 낭비한 것을 봅니다"),
    flags=(
        Flag("files", "int", short="n", help=("So many files of each layer (5)",
                                              "레이어마다 보일 파일 수 (5)")),
    ),
    least=1,
    most=1,
)  # fmt: skip
IMAGE_DIFF = Command(
    run_diff,
    usage="IMAGE IMAGE",
    help=("Show how the files of two images differ", "두 이미지의 파일 차이를 봅니다"),
    least=2,
    most=2,
    examples=("image diff httpd:2.4.65 httpd:2.4.66",),
)
IMAGE_CLEANUP = Command(
    run_cleanup,
    usage="[OPTIONS]",
    help=("Delete images by a policy, the engine's or one given here",
          "정책에 따라 이미지를 지웁니다 (엔진 설정이나 여기서 준 규칙)"),
    flags=(
        Flag("dry-run", help=("Only show what would go", "지우지 않고 보여 주기만 합니다")),
        Flag("keep-last", "string", help=("Keep so many of each repository, and no more",
                                          "저장소마다 남길 이미지 수")),
        Flag("max-size", "string", help=("Stay under this size (20g)",
                                         "이 크기를 넘지 않게 합니다 (20g)")),
        Flag("unused-for", "string", help=("Delete what was not used for so long (30d, 12h)",
                                           "이만큼 쓰지 않은 것을 지웁니다 (30d, 12h)")),
    ),
    most=0,
    examples=("image cleanup --dry-run --unused-for 30d --keep-last 2",),
)  # fmt: skip
DOCTOR_STORAGE = Command(
    run_storage,
    usage="[OPTIONS]",
    help=("Look for what is missing, broken or unused in the image store",
          "이미지 저장소에서 빠졌거나 손상됐거나 쓰이지 않는 것을 찾습니다"),
    flags=(
        Flag("quick", help=("Do not read every byte", "모든 바이트를 읽지는 않습니다")),
        Flag("repair", help=("Put right what can be, and free what nobody uses",
                             "고칠 수 있는 것을 고치고 쓰이지 않는 것을 지웁니다")),
    ),
    most=0,
)  # fmt: skip
