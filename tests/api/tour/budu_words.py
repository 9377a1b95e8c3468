"""Where our own command line prints something else than the genuine one, and why.

Its name and its hints stand aside, and so does the order of fields in a line of JSON, which is the
engine's. What is left are words of docker's command line since version 29, and what is ours.
"""

from __future__ import annotations

import json
import re

from tests.api.tour.differences import Difference
from tests.api.tour.play import Seen

_NEWER: tuple[tuple[str, ...], ...] = (
    ("Error: failed to start", "failed to start"),
    ("Error: No such object", "error: no such object"),
    (r"! (Error response .*)\n! Error: failed to rename container named \w+",
     r"! failed to rename container: \1"),
    ("Error: Neither", "failed to rename container: Error response from daemon: Neither"),
    ("! failed to parse value", '! invalid value for "since": failed to parse value',
     "events --since nope"),
    ("Error: No public port", "no public port"),
    ("Error: invalid port .*", "no public port 'x' published for three", "port three x"),
    ("unable to upgrade to tcp, received 400",
     "invalid detach keys (nope-key): Unknown character: 'nope-key'"),
    (r"Error response from daemon: Invalid escape keys \(nope-key\) provided",
     "invalid detach keys (nope-key): Unknown character: 'nope-key'"),
    ("You cannot attach to a stopped container, start it first",
     "invalid detach keys (nope): Unknown character: 'nope'", "--detach-keys 'nope'"),
    ("You cannot attach", "cannot attach"),
    ("Error response from daemon: invalid network config:\n! invalid subnet nope: invalid CIDR "
     "block notation", "invalid subnet: invalid CIDR address: nope"),
    ("no matching subnet for gateway nope", "invalid gateway address: nope"),
    ("! invalid CIDR address: nope", "! invalid range address: nope", "--ip-range nope"),
    ("no matching subnet for aux-address nope", "invalid aux-address address: nope"),
    ("Error response from daemon: invalid endpoint settings:\n! invalid IPv4 address: nope\n= 1",
     'invalid argument "nope" for "--ip" flag: invalid string being parsed as an IP address: nope\n'
     "!\n! Usage:  docker network connect [OPTIONS] NETWORK CONTAINER\n!\n"
     "! Run 'docker network connect --help' for more information\n= 125"),
)  # fmt: skip

_OURS: tuple[Difference, ...] = (
    Difference(r"PORTS  NAMES\n\| ID", "PORTS  REACH  NAMES\n| ID",
               "who can reach the ports is shown"),
    Difference("->80/tcp  three", "->80/tcp  me  three", "as above"),
    Difference('"Ports":"",', '"Ports":"","Reach":"",', "as above", "ps -a --format json"),
    Difference('"Labels":"(.*?)","Links":"N/A"', r'"Labels":"\1","LastUsed":"never","Links":"0"',
               "volumes tell their use", "volume ls"),
    Difference('"Status":"N/A"', '"Status":"N/A","Users":"0"', "as above", "volume ls"),
    Difference(r"can't evaluate field Nope in type \*formatter\.\w+",
               'map has no entry for key "Nope"', "there are no Go types to name"),
    Difference(r"(\|\n)?! template: (version)?:1:2: executing \"(version)?\" at <.Nope>: .*",
               '! template parsing error: template: :1:2: executing "" at <.Nope>: map has no '
               'entry for key "Nope"', "as above"),
    Difference(r"\|\n! template", "! template", "nothing is printed before an error",
               "docker inspect -f '{{.Nope}}'"),
    Difference(r"! copying between containers is not supported\n= 1", "= 0",
               "files are copied from container to container"),
    Difference(r"\| tls\n", "| tls/\n", "an empty folder is a folder in our tar", "context export"),
    Difference("Failed to initialize: unable to resolve docker endpoint: ", "",
               "the cause alone is told"),
    Difference(r'"NET.1.60"} {}', '"NET.1.60"} null', "options that nobody gave are not sent"),
    Difference("! exit status 1\n", "", "a failure is told once"),
    Difference(r"\| 72\n", "| 71\n", "an id has no end of line, quiet or not", "--iidfile"),
    Difference(r"! Sending build context to Docker daemon  SIZE\n", "",
               "what a quiet build keeps for its failure is the engine's", "build -q"),
    Difference("the Dockerfile \\(Dockerfile\\) is no UTF-8 text: .*", "gzip: invalid header",
               "what begins as an archive is sent as one", "no archive"),
)  # fmt: skip

_ABSENT = (
    ("swarm leave", "! Error response from daemon: .* is not part of this engine"),
    ("node ls", "! Error response from daemon: .* is not part of this engine"),
    ("service ls", "! Error response from daemon: .* is not part of this engine"),
    ("plugin ls", r"\| ID  NAME  DESCRIPTION  ENABLED\n= 0"),
    ("plugin inspect", r'\| \[\]\n! Error response from daemon: plugin "nope" not found'),
)
"""Commands of swarm and of managed plugins, and what docker prints of them with our engine."""


def _absent(command: str, theirs: str) -> Difference:
    words = f"! docker: 'docker {command.split()[0]}' is not available yet in this version of budu"
    ours = f"{words}\n!\n! Run 'docker --help' for more information"
    ours += "\n= 1" if theirs.endswith("= 0") else ""
    return Difference(theirs, ours, "there is no such command", f"docker {command}")


BUDU: tuple[Difference, ...] = (
    *(Difference(theirs, ours, "docker 29 says it so", *line) for theirs, ours, *line in _NEWER),
    *_OURS,
    *(_absent(*row) for row in _ABSENT),
)


def plain(seen: Seen) -> Seen:
    """What our command line printed without its name, its hints and its order of fields."""
    text = re.sub(r"\n! → .*(\n!   .*)*", "", f"\n{seen.text}").removeprefix("\n")
    text = re.sub("^!.*", _as_docker, text, flags=re.MULTILINE)
    return in_order(Seen(seen.line, text))


def _as_docker(line: re.Match[str]) -> str:
    return re.sub(r"\bbudu(?=[: ])", "docker", line[0])


def in_order(seen: Seen) -> Seen:
    """With the fields of lines of JSON by name."""
    return Seen(seen.line, re.sub(r"^\| (\{.*\})$", _sorted, seen.text, flags=re.MULTILINE))


def _sorted(match: re.Match[str]) -> str:
    try:
        value = json.loads(match[1].replace("BY_CGROUP", "null").replace(":N,", ":0,"))
    except ValueError:  # braces of a template
        return match[0]
    return "| " + json.dumps(value, sort_keys=True)
