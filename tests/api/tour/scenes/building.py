"""Images built of Dockerfiles by the classic builder, as the recorded engine has no other."""

from __future__ import annotations

_B = "DOCKER_BUILDKIT=0 docker build"


def _file(*lines: str, name: str = "Dockerfile") -> str:
    """A line that writes a Dockerfile."""
    words = "' '".join(line.replace("'", "'\\''") for line in lines)
    return f"printf '%s\\n' '{words}' >{name}"


def _piped(*lines: str, flags: str = "", last: str = "-") -> str:
    """A line that builds a Dockerfile from stdin."""
    words = "' '".join(line.replace("'", "'\\''") for line in lines)
    return f"printf '%s\\n' '{words}' | {_B} {flags}{' ' if flags else ''}{last}"


_CONTEXT = "mkdir src; echo data >src/f; echo no >src/g.log; echo '**/*.log' >.dockerignore"

BUILD = [
    f"{_B} .",
    _CONTEXT,
    _file(
        "FROM busybox",
        "ARG A=1",
        "ENV B=$A C=c",
        "COPY src /src",
        "RUN echo $A $B; ls /src",
        "RUN echo to stderr >&2",
        "WORKDIR /src",
        'CMD ["cat", "f"]',
    ),
    f"{_B} -t made .",
    "docker run --rm made",
    f"{_B} -t made:2 -t made:3 .",
    "docker images made --format '{{.Repository}}:{{.Tag}}'",
    f"{_B} -q .",
    "echo more >src/h",
    f"{_B} .",
    f"{_B} --build-arg A=2 .",
    f"{_B} --build-arg A=2 --build-arg Z=1 .",
    f"{_B} --no-cache --label by=us -t made .",
    "docker inspect -f '{{json .Config.Labels}} {{json .Config.Env}} {{.Config.WorkingDir}} "
    "{{json .Config.Cmd}}' made",
    f"{_B} -q --iidfile id . && wc -c <id",
    f"{_B} --rm=false --no-cache -q . && docker ps -aq | wc -l",
]

WAYS = [
    _piped("FROM busybox", "RUN echo alone"),
    "mkdir c; echo one >c/f",
    _file("FROM busybox", "COPY f /", "RUN cat /f", name="c/Dockerfile"),
    f"tar c -C c . | {_B} -",
    f"tar cz -C c . | {_B} -",
    _file("FROM busybox", "COPY f /other", name="c/Other"),
    f"{_B} -f c/Other c",
    f"tar c -C c . | {_B} -f Other -",
    _piped("FROM busybox", "COPY f /from-stdin", flags="-f -", last="c"),
    _file("FROM busybox", "COPY f /outside", name="Outside"),
    f"{_B} -f Outside c",
    "mv c/Dockerfile c/dockerfile",
    f"{_B} -q c",
    f"{_B} -f nope c",
    f"tar c -C c . | {_B} -f nope -",
    f"{_B} nope",
    f"echo FROM busybox | {_B} - extra",
    "printf '\\037\\213 no archive' | DOCKER_BUILDKIT=0 docker build -",
]

STAGES = [
    _file(
        "ARG BASE=busybox",
        "FROM ${BASE} AS first",
        "RUN echo made >/made",
        "FROM busybox AS second",
        "COPY --from=first /made /taken",
        "RUN cat /taken",
        "FROM second",
        "LABEL last=yes",
    ),
    f"{_B} -t staged .",
    f"{_B} --target first -t staged:first .",
    "docker run --rm staged:first cat /made",
    f"{_B} --target 1 -q .",
    f"{_B} --target nope .",
    f"{_B} --build-arg BASE=scratch --target second .",
    _piped("FROM busybox", "ONBUILD RUN echo triggered", "ONBUILD ENV X=1", flags="-t trigger"),
    _piped("FROM trigger", "RUN echo then $X"),
    _piped("FROM scratch", "LABEL only=this", flags="-t empty"),
    "docker inspect -f '{{json .RootFS.Layers}} {{json .Config.Labels}}' empty",
    _piped("FROM busybox", "COPY --from=busybox /bin/true /t", "RUN ls /t"),
]

INSTRUCTIONS = [
    _file(
        "FROM busybox",
        "MAINTAINER me",
        'LABEL a=b "c d"="e f"',
        "ENV HOME=/h PATH=/bin:/x",
        "EXPOSE 80 53/udp",
        'VOLUME /data ["/x"]',
        "USER 1000:7",
        "WORKDIR rel",
        "WORKDIR ative",
        'SHELL ["/bin/sh", "-ec"]',
        "STOPSIGNAL SIGINT",
        "HEALTHCHECK --interval=3s --retries=2 CMD true",
        'ENTRYPOINT ["echo", "with"]',
        "CMD some words",
        "ONBUILD RUN echo later",
    ),
    f"{_B} -t all .",
    "docker inspect -f '{{json .Config.Labels}} {{json .Config.Env}} {{json .Config.ExposedPorts}} "
    "{{json .Config.Volumes}}' all",
    "docker inspect -f '{{.Config.User}} {{.Config.WorkingDir}} {{json .Config.Shell}} "
    "{{.Config.StopSignal}} {{json .Config.Healthcheck}}' all",
    "docker inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{json .Config.OnBuild}} "
    "{{.Author}} {{.Os}}' all",
    "docker history --no-trunc --format '{{.CreatedBy}}' all",
    "mkdir d; echo 1 >d/one; echo 2 >two; tar cf t.tar two; ln -s two link",
    _file(
        "FROM busybox",
        "COPY d /d",
        "COPY d/ two /into/",
        "COPY --chown=7:8 t?o /owned",
        "ADD t.tar /unpacked/",
        "COPY t.tar /packed/",
        "COPY link /linked",
        'COPY ["two", "/a b"]',
        "RUN ls /d /into /unpacked /packed; stat -c '%u %g %F' /owned /linked; cat /linked '/a b'",
        name="Files",
    ),
    f"{_B} -f Files . | grep -v -e '->' -e Removing -e Sending",
    _piped(
        "FROM busybox",
        "ARG U=x",
        "ENV V=${U:-none} W=${NOPE:-none} Y=${U:+set}",
        'RUN ["echo", "$V"]',
        "RUN echo $V $W $Y \\",
        "    joined # not a comment",
        "# a comment",
    ),
    _piped("# escape=`", "FROM busybox", "RUN echo one `", "  two"),
]

HOST = [
    _piped("FROM busybox", "RUN ls /sys/class/net", flags="--network none"),
    _piped("FROM busybox", "RUN grep far /etc/hosts", flags="--add-host far:1.2.3.4"),
    _piped("FROM busybox", "RUN ulimit -n; ulimit -Hn", flags="--ulimit nofile=99:100"),
    _piped("FROM busybox", "RUN df -k /dev/shm | tail -1", flags="--shm-size 1m"),
    _piped("FROM busybox", "RUN id; pwd; echo $HOME; env | sort"),
    _piped("FROM busybox", "USER 7", "RUN id -u; touch /f", flags="--force-rm"),
    _piped("FROM busybox", "RUN true", flags="--memory 1m"),
    _piped("FROM busybox", "RUN true", flags="--memory x"),
    _piped("FROM busybox", "RUN true", flags="--network nope"),
    _piped("FROM busybox", "RUN true", flags="--security-opt nope"),
    _piped("FROM busybox", "RUN true", flags="--squash"),
    _piped("FROM busybox", "RUN true", flags="--ulimit nofile=2:1"),
    "docker ps -aq | wc -l",
]

MISTAKES = [
    _piped("FROM busybox", "RUN echo before; exit 3"),
    _piped("FROM busybox", "RUN echo before; exit 3", flags="-q"),
    _piped("FROM busybox", 'RUN ["/nope"]'),
    _piped("FROM busybox", "RUN kill -9 $$"),
    _piped("FROM busybox", "NOPE x"),
    _piped("RUN true"),
    _piped("FROM"),
    _piped("FROM busybox AS"),
    _piped("FROM busybox", "FROM UPPER"),
    _piped("FROM 127.0.0.1:1/nope"),
    _piped(""),
    _piped("# only a comment"),
    _piped("ARG A"),
    _piped("FROM scratch"),
    _piped("FROM scratch", "RUN true"),
    _piped("FROM busybox", "COPY nope /"),
    _piped("FROM busybox", "COPY x"),
    _piped("FROM busybox", "ADD"),
    _piped("FROM busybox", "ENV x"),
    _piped("FROM busybox", "ENV"),
    _piped("FROM busybox", "LABEL x"),
    _piped("FROM busybox", "EXPOSE nope"),
    _piped("FROM busybox", "USER"),
    _piped("FROM busybox", "WORKDIR"),
    _piped("FROM busybox", "VOLUME"),
    _piped("FROM busybox", "STOPSIGNAL NOPE"),
    _piped("FROM busybox", "SHELL sh"),
    _piped("FROM busybox", "HEALTHCHECK true"),
    _piped("FROM busybox", "HEALTHCHECK --nope=1 CMD true"),
    _piped("FROM busybox", "ONBUILD FROM x"),
    _piped("FROM busybox", "ONBUILD ONBUILD RUN x"),
    _piped("FROM busybox", "RUN --nope true"),
    _piped("FROM busybox", "COPY --from=2 / /"),
    _piped("FROM busybox", "COPY --chown=nobody:nogroup x /"),
    _piped("FROM ${NOPE}"),
    _piped("FROM busybox", "ENV A=${A:?must be}"),
    "mkdir e; echo x >e/f; echo f >e/.dockerignore",
    _piped("FROM busybox", "COPY f /", flags="-f -", last="e"),
    _piped("FROM busybox", "COPY ../x /", flags="-f -", last="e"),
    _piped("FROM busybox", "COPY a* b /not-a-folder", flags="-f -", last="e"),
    _piped("FROM busybox", flags="-t UPPER"),
    _piped("FROM busybox", flags="--build-arg"),
    _piped("FROM busybox", flags="--nope"),
    "docker ps -aq | wc -l",
]

SCENES = {
    "build": BUILD,
    "build_ways": WAYS,
    "build_stages": STAGES,
    "build_instructions": INSTRUCTIONS,
    "build_host": HOST,
    "build_mistakes": MISTAKES,
}
"""Name to lines."""
