"""`budu doctor network`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context

_SIGNS = {"ok": "✓", "failed": "✗", "skipped": "-"}


def run_doctor_network(context: Context, call: Call) -> int:
    """Try names, route, NAT and ports from inside a container; 1 when something fails."""
    found = context.session.diagnose_network(call.args[0] if call.args else "")
    say = context.out.write
    if found["Container"]:
        say(context.message("cli.doctor-inside", name=found["Container"]) + "\n")
    else:
        say(context.message("cli.doctor-nobody") + "\n")
    for step in found["Steps"]:
        say(f"  {_SIGNS[step['Outcome']]} {step['Name']:<6} {step['Finding']}\n")
    for problem in found["Problems"] or ():
        say(f"→ {problem}\n")
    failed = _first_failed(found)
    if failed:
        say(context.message("cli.doctor-failed", step=failed) + "\n")
    return 1 if failed or found["Problems"] else 0


def _first_failed(found: dict[str, Any]) -> str:
    """The step that the later ones depend on."""
    failed = (step["Name"] for step in found["Steps"] if step["Outcome"] == "failed")
    return next(failed, "")


DOCTOR_NETWORK = Command(
    run_doctor_network,
    usage="[CONTAINER]",
    help=("Try names, route, NAT and ports from inside a container",
          "컨테이너 안에서 이름, 경로, NAT, 포트를 시험합니다"),
    most=1,
    examples=("doctor network", "doctor network web"),
)  # fmt: skip
