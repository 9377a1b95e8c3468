"""Where our engine prints something else than Docker 20.10, which the recording is of, and why.

Two kinds: what Docker itself says differently since then (`_SINCE`: our words are those of 28.5,
looked up in moby's source), and what is so on purpose (`_OURS`).
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Difference(NamedTuple):
    """A piece of a recorded output, and what stands there with ours."""

    docker: str
    """A regular expression."""
    ours: str
    """What takes its place; `\\1` is the first group."""
    reason: str
    line: str = ""
    """Part of the line for which it holds; empty: wherever it is printed."""

    def applies(self, line: str, text: str) -> bool:
        """Whether it changes what a line shows."""
        return self.line in line and re.search(self.docker, text) is not None

    def apply(self, text: str) -> str:
        """The text with our words."""
        return re.sub(self.docker, self.ours, text)


_SINCE: tuple[tuple[str, ...], ...] = (
    ("Invalid filter '", "invalid filter '"),
    ("Container ID is not running", "container ID is not running"),
    ("Cannot kill container: ", "cannot kill container: "),
    ("daemon: Invalid signal: NOPE", "daemon: cannot kill container: c1: invalid signal: NOPE",
     "kill -s NOPE"),
    ("Invalid signal: NOPE", "invalid signal: NOPE", "--stop-signal NOPE"),
    ("The linux daemon does not support", "the linux daemon does not support"),
    ("You cannot remove a running container ID. Stop the container before attempting removal or "
     "force remove",
     'cannot remove container "/c1": container is running: stop the container before removing or '
     "force remove"),
    ("maximum retry count cannot be used with restart policy 'always'",
     "invalid restart policy: maximum retry count can only be used with 'on-failure'"),
    ("maximum retry count cannot be negative",
     "invalid restart policy: maximum retry count cannot be negative"),
    (r"invalid restart policy '(\w+)'",
     r"invalid restart policy: unknown policy '\1'; use one of 'no', 'always', 'on-failure', or "
     "'unless-stopped'"),
    ('"a":"b","exitCode":"137","image"', '"a":"b","execDuration":N,"exitCode":"137","image"'),
    (r"\| tag\n", "| tag\n| untag\n", "image=made:2"),
    ("daemon: failed to create shim task: (.*) process: exec",
     r"daemon: failed to create task for container: failed to create shim task: \1 process: error "
     "during container init: exec"),
    ('"/etc": permission denied: unknown', '"/etc": is a directory: unknown: permission denied'),
    ("chdir to cwd", "mkdir or chdir to cwd"),
    ("= 126", "= 127", "exec c1 nothere"),
    ("= 126", "= 127", "exec -w /nope"),
    ("f(e|f)00::0", r"f\g<1>00::"),
    ("Range of CPUs", "range of CPUs"),
    ("daemon: (network nope|Address already)",
     r"daemon: failed to set up container networking: \1", "--network n"),
    ("Invalid network mode", "invalid network mode"),
    ("Invalid IPC mode", "invalid IPC mode"),
    ('error looking up logging plugin nope: plugin "nope" not found',
     "logger: no log driver named 'nope' is registered"),
    ("Unknown runtime specified nope", "unknown or invalid runtime name: nope"),
    ("user specified IP address is", "invalid endpoint settings:\n! user specified IP address is"),
    ("Invalid address 1.2.3.4: It does not belong to any of this network's subnets",
     "invalid endpoint settings:\n! no configured subnet or ip-range contain the IP address "
     "1.2.3.4"),
    ("Invalid isolation: \"nope\" - linux", "invalid isolation (nope): linux"),
    ("busybox was found but does not match the specified platform: wanted linux/arm64, actual: "
     "linux/amd64",
     r"busybox was found but its platform (linux/amd64) does not match the specified "
     "platform (linux/arm64)"),
    ("'status=nope'",
     "'status=nope': invalid value for state (nope): must be one of created, running, paused, "
     "restarting, removing, exited, dead"),
    ("no such container nope", "No such container: nope"),
    ('daemon: strconv.Atoi: parsing "x"',
     "daemon: invalid filter 'exited=x': strconv.Atoi: parsing \"x\""),
    ("Unrecognised filter value for health: nope",
     "invalid filter 'health=nope': invalid value for health (nope): must be one of none, "
     "starting, healthy, unhealthy"),
    ('"NetworkMode":"default"', '"NetworkMode":"bridge"'),
    ('"/proc/acpi","/proc/kcore"', '"/proc/acpi","/proc/interrupts","/proc/kcore"'),
    (r'"/sys/firmware"\]', '"/sys/firmware","/sys/devices/virtual/powercap"]'),
    ('"SandboxID":"ID","SandboxKey":"DIR/x/netns/ID"', '"SandboxID":"","SandboxKey":""'),
    (r"no such image: [\w:]+: No such image", "No such image"),
    ("nope is not a valid change command", "NOPE is not a valid change command"),
    ("Invalid subnet nope : invalid CIDR address: nope",
     "invalid network config:\n! invalid subnet nope: invalid CIDR block notation"),
    ("Pool overlaps", "invalid pool request: Pool overlaps"),
    ("network with name  already exists", "invalid name: name is empty"),
    ('"IPv4":"false"', '"IPv4":"true"', "network ls"),
    (r'\|   "EnableIPv6"', '|   "EnableIPv4": true,\n|   "EnableIPv6"', "network inspect"),
    ("endpoint with name c2 already exists in network n2",
     "invalid endpoint settings:\n! no configured subnet or ip-range contain the IP address "
     "1.2.3.4", "--ip 1.2.3.4 n2 c2"),
    ("container cannot be disconnected from host network or connected to host network",
     "cannot connect container to host network - container must be created in host network mode",
     "network connect host c1"),
    ("network n1 id ID has active endpoints",
     'network n1 has active endpoints (name:"c1" id:"ID", name:"c2" id:"ID")'),
    (r"Invalid IPv4 address: nope\)", "invalid endpoint settings:\n! invalid IPv4 address: nope"),
    ("Removing intermediate container ID", " ---> Removed intermediate container ID"),
    ("dockerfile parse error line", "dockerfile parse error on line"),
    ("unknown instruction: NOPE", "unknown instruction: NOPE (did you mean COPY?)"),
    ("Unknown flag: nope", "unknown flag: --nope"),
    ("Invalid containerPort: nope", "invalid containerPort: nope"),
    ("Invalid signal: NOPE", "invalid signal: NOPE", "STOPSIGNAL NOPE"),
    ("! failed to create shim task: (.*) process: exec",
     r"! failed to create task for container: failed to create shim task: \1 process: error "
     "during container init: exec"),
    ("! network nope not found", "! failed to set up container networking: network nope not found",
     "docker build --network nope"),
    ("repository name must be lowercase", "repository name (library/UPPER) must be lowercase",
     "FROM UPPER"),
    (r"! Sending build context to Docker daemon  SIZE\n! .* build target 1 .*\n= 1",
     "| sha256:ID\n= 0"),
    ("failed to reach build target nope in Dockerfile", 'target stage "nope" could not be found'),
    (r"\| Step 1/1 : ARG A\n! unexpected EOF",
     "! Error response from daemon: dockerfile contains no stages to build"),
)  # fmt: skip
"""What 20.10 says, what 28.5 says, and perhaps the line."""

_OURS: tuple[Difference, ...] = (
    Difference(
        "= 0", "! Error response from daemon: invalid filter 'nope'\n= 1",
        "a misspelt filter is told: nothing would ever come through it",
        "events -f nope=1",
    ),
    Difference(
        r"\| search a.b\n\| nameserver 9.9.9.9\n\| options ndots:3\n",
        "| # Generated by Docker Engine.\n"
        "| # This file can be edited; Docker Engine will not make further changes once it\n"
        "| # has been modified.\n|\n"
        "| nameserver 127.0.0.11\n| search a.b\n| options ndots:3\n|\n"
        "| # Based on host file: '/etc/resolv.conf' (internal resolver)\n"
        "| # Overrides: [nameservers search options]\n",
        "names work on the default network too: the engine's resolver stands before the others",
    ),
    Difference('"vfs"', '"overlay2"', "the recorded dockerd was started with vfs", ".Driver}}"),
    Difference('"CgroupnsMode":"host"', '"CgroupnsMode":"private"',
               "a container sees no cgroups but its own with cgroup v1 either"),
    Difference('"Runtime":"runc"', '"Runtime":"budu"', "the runtime is our own"),
    Difference(',"label=disable"', "", "there are no SELinux labels to turn off"),
    Difference('"ReadOnly":true}', '"ReadOnly":true,"BindOptions":{"ReadOnlyNonRecursive":true}}',
               "what a client of API 1.43 or older gets is written down"),
    Difference(r"runc false  docker-init  \[\] false", "budu true  budu-init  [] false",
               "runtime and init are our own, and containers outlive the engine", "docker info"),
    Difference(',"overlay"', "", "swarm's networks are not part of this engine", "Plugins.Network"),
    Difference('"awslogs",|"gcplogs",|"logentries","splunk",', "",
               "log services of single companies are left to plugins", "Plugins.Log"),
    Difference("This node is not part of a swarm",
               "POST /swarm/leave: swarm mode is not part of this engine",
               "there is no swarm that could be joined", "docker swarm leave"),
    Difference("This node is not a swarm manager.*", "GET /nodes: swarm mode is not part of this "
               "engine", "as above", "docker node ls"),
    Difference("This node is not a swarm manager.*", "GET /services: swarm mode is not part of "
               "this engine", "as above", "docker service ls"),
    Difference("No such image: nope", "No such image: nope:latest",
               "all commands name an image that is not there in the same way", "docker save"),
    Difference(r'("Subnet": "NET.1.0/24",\n\|   "IPRange": "NET.1.128/25",\n)',
               r'\1|   "Gateway": "NET.1.128",' "\n",
               "the gateway is shown also where nobody chose it", "network inspect n2"),
    Difference(r"bridge NET.2.0/24 ?\n", "bridge NET.2.0/24 NET.2.1\n", "as above", "n3 conf"),
    Difference("(! Error .*\n)+= 1", "= 0", "names work on the default network too",
               "network connect --alias x bridge"),
    Difference(r"([|!] Step \d+/\d+ : (?!RUN)[A-Z]+ .*\n)[|!]  ---> Running in ID\n"
               r"[|!].* intermediate container ID\n", r"\1",
               "only a command needs a container"),
    Difference(r"\| 6\n", "| 2\n", "as above", "--rm=false"),
    Difference(r"(: ARG .*\n)\|  ---> Using cache\n", r"\1",
               "a variable's declaration makes nothing that could be kept"),
    Difference("\x1b\\[91m(.*)\n\\| \x1b\\[0m", r"\1\n| ",
               "what a command writes stays in its order, and carries no colours"),
    Difference(r"(: FROM .*\n\|  --->)\n", r"\1 ID\n",
               "what stands on nothing is an image too, as with BuildKit"),
    Difference(r"! No image was generated. Is your Dockerfile empty\?\n= 1",
               "| Successfully built ID\n= 0", "as above"),
    Difference("null {", "[] {", "an image without layers has an empty list of them",
               ".RootFS.Layers"),
    Difference(r"(FROM trigger\n)((?:.*\n){4})\|  ---> Running in ID\n\|.*\n",
               r"\1|  ---> ID\n\2|  ---> ID\n", "triggers are told as other steps are"),
    Difference(r"\| Step 1/2 : FROM busybox\n\|  ---> ID\n\| Step 2/2 : FROM UPPER",
               "| Step 1/1 : FROM UPPER", "a stage that nobody needs is not built"),
    Difference(r"\| Step 1/1 : FROM \$\{NOPE\}\n! base", "! Error response from daemon: base",
               "the names of stages are looked at before anything is done"),
    Difference("! Error response from daemon: The daemon on this .* security options on build",
               "| Step 1/2 : FROM busybox\n|  ---> ID\n| Step 2/2 : RUN true\n"
               '! invalid --security-opt 1: "nope"',
               "they hold for the containers of a build"),
    Difference("dockerfile parse error (on )?line 1: unknown instruction: .*",
               "the Dockerfile (Dockerfile) is no UTF-8 text: 'utf-8' codec can't decode byte 0x8b "
               "in position 1: invalid start byte", "the cause is told", "no archive"),
    Difference(r"(: COPY f /other\n)", r"\1|  ---> Using cache\n",
               "the same files are the same step, however they were packed", "-f Other -"),
    Difference(r"/bin/sh -e?c #\(nop\) +", "", "steps are told as BuildKit tells them"),
    Difference("\"0s\" '", "\"0s\" \"0s\" '", "as above", "docker history"),
    Difference(r"\| (Successfully built ID\n\| Successfully tagged all)",
               "| 2 warnings found:\n|  - MaintainerDeprecated: Maintainer instruction is "
               "deprecated in favor of using label (line 2)\n|  - WorkdirRelativePath: Relative "
               'workdir "rel" can have unexpected results if the base image changes (line 8)\n'
               r"| \1",
               "BuildKit's checks are made in every build"),
    Difference(r"(joined # not a comment\n(?:.*\n){4})\| Successfully",
               r"\1| 1 warning found:" "\n|  - UndefinedVar: Usage of undefined variable '$NOPE' "
               "(line 3)\n| Successfully", "as above"),
    Difference(r"forbidden path outside the build context: ../x \(\)",
               "file not found in build context or excluded by .dockerignore: stat ../x: file does "
               "not exist", "no path leads out of the context, as with BuildKit"),
    Difference("COPY failed: file not found .* stat b: file does not exist",
               "When using COPY with more than one source file, the destination must be a "
               "directory and end with a /", "of two mistakes the one in the Dockerfile is told"),
    Difference("EXPOSE 53/udp 80", "EXPOSE map[53/udp:{} 80/tcp:{}]", "as above"),
)  # fmt: skip

DIFFERENCES: tuple[Difference, ...] = (
    *(Difference(docker, ours, "Docker 28.5 says it so", *line) for docker, ours, *line in _SINCE),
    *_OURS,
)
"""In the order in which they are applied."""
