"""Words that many lines share, and waits for facts: no line of the tour sleeps and hopes."""

from __future__ import annotations

CALM = "sh -c \"trap 'exit 0' TERM INT; sleep 1000 & wait\""
"""A program that does nothing and ends at once when it is asked to."""

IDLE = f"docker run -d --name c1 busybox {CALM}"


def until(command: str) -> str:
    """A line that shows nothing and ends once `command` succeeds."""
    return f"until {command} >/dev/null 2>&1; do sleep 0.05; done"


def ready(name: str) -> str:
    """A line that ends once the calm program of a container catches SIGTERM."""
    look = "until grep -q 'SigCgt:.*[4-7c-f]...$' /proc/1/status; do :; done"
    return f'docker exec {name} sh -c "{look}"'


def became(name: str, wanted: str, template: str = "{{.State.Status}}") -> str:
    """A line that ends once the inspection of a container says `wanted`."""
    return until(f"docker inspect -f '{template}' {name} | grep -qx '{wanted}'")
