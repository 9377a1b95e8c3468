"""Dockerfiles carried out: what images come of them, and what is told meanwhile."""

import json

import pytest
from tests.host.engine.test_engine_commit import output
from tests.support.builds import build, config_of, context, created_by, send
from tests.support.engine import EngineProcess

UUID = "cat /proc/sys/kernel/random/uuid"
pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture(autouse=True)
def _no_cache_left(engine: EngineProcess) -> None:
    """Each test meets an empty cache."""
    engine.request("POST", "/build/prune", all=1)


def test_all_instructions_together(engine: EngineProcess) -> None:
    built = build(
        engine,
        """
        ARG BASE=nothing
        FROM ${BASE} AS tools
        ARG WORD=none
        RUN echo "$WORD" >/word
        FROM tools
        LABEL one="1" two=2
        ENV A=b C="d e"
        WORKDIR /srv/work
        COPY --chown=7:8 --chmod=640 page.txt ./
        ADD folder /srv/folder/
        COPY --from=tools /word /srv/word
        COPY <<EOF note
        $A is here
        EOF
        USER 33:44
        EXPOSE 80 90/udp
        VOLUME /data
        STOPSIGNAL SIGUSR1
        HEALTHCHECK --interval=5s CMD true
        SHELL ["/bin/sh", "-ec"]
        ENTRYPOINT ["echo"]
        CMD ["hello"]
        """,
        {"page.txt": "page\n", "folder/": "", "folder/deep/leaf": "leaf\n"},
        buildargs=json.dumps({"BASE": "busybox", "WORD": "given"}),
        labels=json.dumps({"three": "3"}),
        t=["all:1", "all:2"],
    )
    image = built.id
    config = config_of(engine, "all:2")
    assert config["Labels"] == {"one": "1", "two": "2", "three": "3"}
    assert config["Env"][-2:] == ["A=b", "C=d e"]
    assert (config["WorkingDir"], config["User"]) == ("/srv/work", "33:44")
    assert config["ExposedPorts"] == {"80/tcp": {}, "90/udp": {}}
    assert config["Volumes"] == {"/data": {}}
    assert config["StopSignal"] == "SIGUSR1"
    assert config["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000}
    assert (config["Entrypoint"], config["Cmd"]) == (["echo"], ["hello"])
    look = (
        "cat /srv/word page.txt note /srv/folder/deep/leaf; stat -c '%u:%g %a' page.txt /srv/work"
    )
    body = {"Image": image, "Entrypoint": ["sh", "-c", look], "User": "0"}
    ref = engine.request("POST", "/containers/create", body).json["Id"]
    engine.request("POST", f"/containers/{ref}/start")
    engine.request("POST", f"/containers/{ref}/wait")
    said = engine.request("GET", f"/containers/{ref}/logs", stdout=1, stderr=1).body
    for expected in (b"given\n", b"page\n", b"b is here\n", b"leaf\n", b"7:8 640\n", b"0:0 755\n"):
        assert expected in said
    assert built.text.endswith(
        f"Successfully built {image[7:19]}\nSuccessfully tagged all:1\nSuccessfully tagged all:2\n"
    )


def test_the_lines_of_a_build(engine: EngineProcess) -> None:
    built = build(engine, "FROM busybox\nENV A=1\nRUN echo hi\n", t="lines")
    steps = [line for line in built.text.splitlines() if line.startswith("Step ")]
    assert steps == ["Step 1/3 : FROM busybox", "Step 2/3 : ENV A=1", "Step 3/3 : RUN echo hi"]
    assert "\nhi\n" in built.text
    assert " ---> Running in " in built.text
    assert " ---> Removed intermediate container " in built.text
    assert created_by(engine, "lines")[-2:] == ["ENV A=1", "RUN /bin/sh -c echo hi"]
    assert engine.containers() == []


def test_a_second_build_comes_from_the_cache(engine: EngineProcess) -> None:
    text = "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/when\nCOPY a /a\nRUN cat /a\n"
    first = build(engine, text, {"a": "1"})
    second = build(engine, text, {"a": "1", "unrelated": "x"})
    assert (first.cached, second.cached) == (0, 3)
    assert first.id == second.id
    third = build(engine, text, {"a": "2"})
    assert third.cached == 1
    assert third.id != first.id
    assert output(engine, third.id, "cat /when") == output(engine, first.id, "cat /when")
    fourth = build(engine, text, {"a": "1"}, nocache=1)
    assert fourth.cached == 0
    assert output(engine, fourth.id, "cat /when") != output(engine, first.id, "cat /when")


def test_an_argument_that_a_command_sees_makes_another_step(engine: EngineProcess) -> None:
    text = "FROM busybox\nARG V=1\nRUN echo $V >/v\n"
    one = build(engine, text)
    two = build(engine, text, buildargs=json.dumps({"V": "2"}))
    assert (two.cached, one.id != two.id) == (0, True)
    assert output(engine, two.id, "cat /v") == b"2\n"
    assert build(engine, text, buildargs=json.dumps({"V": "2"})).cached == 1
    proxied = build(engine, text, buildargs=json.dumps({"http_proxy": "http://x:1"}))
    assert proxied.cached == 1
    assert "http_proxy" not in str(created_by(engine, proxied.id))


def test_an_argument_that_nobody_wants_is_told(engine: EngineProcess) -> None:
    built = build(engine, "FROM busybox\n", buildargs=json.dumps({"NOBODY": "1"}))
    assert "[Warning] One or more build-args [NOBODY] were not consumed\n" in built.text


def test_advice_comes_at_the_end(engine: EngineProcess) -> None:
    built = build(engine, "FROM busybox as small\nMAINTAINER me\nCMD echo $HOME\n")
    assert "3 warnings found:\n - FromAsCasing: " in built.text
    assert " - MaintainerDeprecated: " in built.text
    assert " - JSONArgsRecommended: " in built.text
    refused = build(engine, "# check=error=true\nFROM busybox as small\n")
    assert (refused.status, refused.error) == (400, "lint violation found for rules: FromAsCasing")


def test_a_stage_that_nothing_needs_is_not_built(engine: EngineProcess) -> None:
    built = build(
        engine,
        "FROM busybox AS never\nRUN false\n"
        "FROM busybox AS first\nRUN echo 1 >/one\n"
        "FROM scratch AS last\nCOPY --from=first /one /\n",
    )
    assert "RUN false" not in built.text
    assert built.text.startswith("Step 1/4 : FROM busybox AS first\n")
    assert "false" in build(engine, "FROM busybox AS x\nRUN false\nFROM x\n").error


def test_a_target_may_be_named(engine: EngineProcess) -> None:
    text = "FROM busybox AS one\nRUN echo 1 >/n\nFROM one AS two\nRUN echo 2 >/n\n"
    assert output(engine, build(engine, text, target="one").id, "cat /n") == b"1\n"
    assert output(engine, build(engine, text, target="1").id, "cat /n") == b"2\n"
    refused = build(engine, text, target="three")
    assert refused.error == 'target stage "three" could not be found'


def test_a_command_that_fails_names_its_status(engine: EngineProcess) -> None:
    built = build(engine, "FROM busybox\nRUN echo before; exit 37\n", rm=1, forcerm=1)
    assert built.status == 200
    assert (
        built.error == "The command '/bin/sh -c echo before; exit 37' returned a non-zero code: 37"
    )
    assert built.code == 37
    assert "before\n" in built.text
    assert engine.containers() == []
    kept = build(engine, "FROM busybox\nRUN exit 3\n", rm=1)
    assert kept.code == 3
    assert [row["State"] for row in engine.containers()] == ["exited"]


def test_the_last_step_that_worked_can_be_entered(engine: EngineProcess) -> None:
    built = build(engine, "FROM busybox\nRUN echo so-far >/state\nRUN false\n")
    step = [line for line in built.text.splitlines() if line.startswith(" ---> ")][-2].split()[-1]
    ids = [line.removeprefix(" ---> ") for line in built.text.splitlines() if len(line) == 18]
    assert output(engine, ids[-1], "cat /state") == b"so-far\n", step
    everything = engine.request("GET", "/images/json", all=1).json
    shown = engine.request("GET", "/images/json").json
    assert [row["Id"] for row in everything if row["Id"].startswith(f"sha256:{ids[-1]}")]
    assert not [row["Id"] for row in shown if row["Id"].startswith(f"sha256:{ids[-1]}")]
    assert engine.request("POST", f"/images/{ids[-1]}/tag", repo="rescued").status == 201
    assert "rescued:latest" in str(engine.request("GET", "/images/json").json)
    archive = engine.request("GET", "/images/rescued/get")
    assert (archive.status, len(archive.body) > 10_000) == (200, True)


@pytest.mark.parametrize(
    ("dockerfile", "status", "message"),
    [
        ("", 400, "the Dockerfile (Dockerfile) cannot be empty"),
        ("FRM busybox\n", 400, "FRM"),
        ("RUN echo\n", 400, "no build stage in current context"),
        ("FROM busybox\nCOPY nothing /\n", 200, "nothing"),
        ("FROM busybox\nADD http://127.0.0.1:1/x /\n", 200, "127.0.0.1:1"),
        ("FROM 127.0.0.1:1/absent\n", 200, "127.0.0.1:1"),
        ("FROM busybox\nCOPY --from=127.0.0.1:1/absent / /\n", 200, "127.0.0.1:1"),
        (
            "FROM busybox\nRUN --mount=type=secret,id=s,required cat /run/secrets/s\n",
            200,
            "secret s",
        ),
        ("FROM busybox\nRUN --security=insecure true\n", 200, "security.insecure is not allowed"),
        ("FROM busybox\nRUN --network=host true\n", 200, "network.host is not allowed"),
        ("FROM busybox\nUSER nobody-knows\nRUN true\n", 200, "nobody-knows"),
        ("FROM scratch\nRUN true\n", 200, "/bin/sh"),
    ],
)
def test_what_is_wrong_is_named(
    engine: EngineProcess, dockerfile: str, status: int, message: str
) -> None:
    built = build(engine, dockerfile, forcerm=1)
    assert (built.status, message in built.error) == (status, True), built.reply.body
    assert engine.containers() == []


def test_a_context_that_is_none(engine: EngineProcess) -> None:
    assert send(engine, b"no tar at all" * 100).status == 400
    missing = send(engine, context({"other": ""}))
    assert (missing.status, missing.message) == (
        400,
        "Cannot locate specified Dockerfile: Dockerfile",
    )
    for dockerfile in ("../../etc/passwd", "/etc/passwd", "link"):
        assert send(engine, context({"other": ""}), dockerfile=dockerfile).status == 400


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_contexts_come_packed_or_not(engine: EngineProcess, compression: str) -> None:
    body = context({"Dockerfile": "FROM busybox\nCOPY a /\n", "a": "x"}, compression=compression)
    assert send(engine, body).body.count(b"Successfully built") == 1


def test_heredocs_run(engine: EngineProcess) -> None:
    built = build(
        engine,
        "FROM busybox\n"
        "RUN <<EOF\necho one >/one\necho two >/two\nEOF\n"
        "RUN <<EOF\n#!/bin/cat\nprinted as it is\nEOF\n"
        "RUN cat <<A >/three && cat <<'B' >>/three\nfirst\nA\n$second\nB\n",
    )
    assert "printed as it is\n" in built.text
    assert output(engine, built.id, "cat /one /two /three; ls /dev/pipes 2>/dev/null") == (
        b"one\ntwo\nfirst\n$second\n"
    )


def test_mounts_of_commands(engine: EngineProcess) -> None:
    text = """
        FROM busybox AS other
        RUN mkdir /o && echo other >/o/f
        FROM busybox
        RUN --mount=type=bind,source=up,target=/ctx cat /ctx/a >/from-context && ! touch /ctx/new
        RUN --mount=type=bind,source=sub,target=/ctx,rw touch /ctx/new && ls /ctx >/listed
        RUN --mount=type=bind,from=other,source=/o,target=/deep/er cat /deep/er/f >/from-stage
        RUN --mount=type=tmpfs,target=/t,size=1m df /t >/df && echo x >/t/x
        RUN --mount=type=secret,id=absent ls /run/secrets 2>/dev/null; true
        RUN --mount=type=cache,target=/kept echo %s >>/kept/log && cp /kept/log /log
    """
    built = build(engine, text % "first", {"up/a": "A\n", "sub/b": "B\n"})
    look = "cat /from-context /listed /from-stage /log; tail -1 /df; ls -d /ctx /deep /t /kept 2>&1"
    said = output(engine, built.id, look).decode()
    assert said.startswith("A\nb\nnew\nother\nfirst\n")
    assert "tmpfs" in said
    for gone in ("/ctx", "/deep", "/t", "/kept"):
        assert f"{gone}: No such file" in said
    again = build(engine, text % "second", {"up/a": "A\n", "sub/b": "B\n"})
    assert output(engine, again.id, "cat /log") == b"first\nsecond\n"
    assert again.cached == 6
    changed = build(engine, text % "second", {"up/a": "C\n", "sub/b": "B\n"})
    assert output(engine, changed.id, "cat /from-context") == b"C\n"


def test_triggers_of_the_base(engine: EngineProcess) -> None:
    build(engine, "FROM busybox\nONBUILD COPY a /a\nONBUILD RUN cat /a >/b\n", t="triggers")
    built = build(engine, "FROM triggers\nRUN cat /b\n", {"a": "triggered\n"})
    assert "# Executing 2 build triggers\n" in built.text
    assert output(engine, built.id, "cat /b") == b"triggered\n"
    assert not config_of(engine, built.id).get("OnBuild")


def test_a_folder_for_work_is_made_once(engine: EngineProcess) -> None:
    built = build(
        engine, "FROM busybox\nRUN ln -s /srv /way\nWORKDIR /way/in\nWORKDIR ..\nRUN pwd\n"
    )
    assert "\n/srv\n" in built.text
    layers = engine.request("GET", f"/images/{built.id}/json").json["RootFS"]["Layers"]
    assert len(layers) == 3
    assert output(engine, built.id, "ls -d /srv/in; readlink /way") == b"/srv/in\n/srv\n"


def test_an_image_is_made_again_byte_by_byte(engine: EngineProcess) -> None:
    text = (
        "FROM scratch\nCOPY a /a\nFROM busybox\nCOPY --from=0 /a /a\nRUN echo x >/x && mkdir /d\n"
    )
    epoch = json.dumps({"SOURCE_DATE_EPOCH": "1700000000"})
    one = build(engine, text, {"a": "1"}, buildargs=epoch, nocache=1)
    two = build(engine, text, {"a": "1"}, buildargs=epoch, nocache=1)
    assert one.id == two.id
    assert output(engine, one.id, "stat -c %Y /x /d") == b"1700000000\n" * 2
    earlier = json.dumps({"SOURCE_DATE_EPOCH": "1600000000"})
    three = build(engine, text, {"a": "1"}, buildargs=earlier)
    assert output(engine, three.id, "stat -c %Y /x /d") == b"1600000000\n" * 2
    again = [
        build(engine, "FROM scratch\nCOPY a /b/a\n", {"a": "1"}, buildargs=epoch, nocache=1).id
        for _ in range(2)
    ]
    assert again[0] == again[1]


def test_steps_of_an_image_from_elsewhere(engine: EngineProcess) -> None:
    text = f"FROM busybox\nENV A=1\nRUN {UUID} >/when\nCOPY a /a\nRUN {UUID} >/later\n"
    first = build(engine, text, {"a": "1"}, t="elsewhere")
    archive = engine.request("GET", "/images/elsewhere/get").body
    engine.request("DELETE", "/images/elsewhere")
    engine.request("POST", "/build/prune", all=1)
    _load(engine, archive)
    second = build(engine, text, {"a": "1"}, cachefrom=json.dumps(["elsewhere", "absent/image"]))
    assert second.cached == 2
    assert second.id == first.id
    assert build(engine, text.replace("A=1", "A=2"), {"a": "1"}).cached == 0


def _load(engine: EngineProcess, archive: bytes) -> None:
    from tests.support.engine import UnixConnection

    connection = UnixConnection(engine.socket)
    connection.request("POST", "/images/load", archive, {"Content-Type": "application/x-tar"})
    assert connection.getresponse().status == 200
    connection.close()


def test_commands_wait_for_no_disk(engine: EngineProcess) -> None:
    built = build(engine, "FROM busybox\nRUN grep ' / ' /proc/mounts; echo x >/x; sync\n")
    assert "volatile" in built.text
    assert output(engine, built.id, "cat /x") == b"x\n"


def test_limits_and_hosts_reach_the_commands(engine: EngineProcess) -> None:
    built = build(
        engine,
        "FROM busybox\nRUN grep fixed /etc/hosts && ulimit -n && cat /proc/self/cgroup\n",
        extrahosts="fixed.example:10.1.2.3",
        ulimits=json.dumps([{"Name": "nofile", "Soft": 99, "Hard": 99}]),
        networkmode="none",
        memory=64 << 20,
    )
    assert "10.1.2.3\tfixed.example\n99\n" in built.text


def test_a_working_directory_leaves_the_folders_above_it_as_they_are(engine: EngineProcess) -> None:
    built = build(
        engine,
        """
        FROM busybox
        RUN mkdir -p /open /home/own && chmod 1777 /open && chown 7:8 /home/own && ln -s /open /way
        WORKDIR /way/a/b
        USER 7
        WORKDIR /home/own/c
        """,
    )
    said = output(engine, built.id, "stat -c '%n %a %u:%g' /open /open/a /open/a/b / /home/own")
    assert said.decode().splitlines() == [
        "/open 1777 0:0",
        "/open/a 755 0:0",
        "/open/a/b 755 0:0",
        "/ 755 0:0",
        "/home/own 755 7:8",
    ]
