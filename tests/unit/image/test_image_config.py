"""How a container's settings and its image's are put together."""

import pytest

from budu.base.errors import InvalidArgument
from budu.image.config import command_line, merge_config, merge_environment
from budu.spec.image import ExecConfig, Healthcheck

IMAGE = ExecConfig(entrypoint=("/entry",), cmd=("serve",))


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (ExecConfig(), ("/entry", "serve")),
        (ExecConfig(cmd=("sh",)), ("/entry", "sh")),
        (ExecConfig(cmd=()), ("/entry", "serve")),
        (ExecConfig(entrypoint=("/own",)), ("/own",)),
        (ExecConfig(entrypoint=("/own",), cmd=("x",)), ("/own", "x")),
        (ExecConfig(entrypoint=(), cmd=("x",)), ("x",)),
        (ExecConfig(entrypoint=()), ("serve",)),
        (ExecConfig(entrypoint=("",), cmd=("x",)), ("x",)),
    ],
)
def test_command_line(container: ExecConfig, expected: tuple[str, ...]) -> None:
    assert command_line(merge_config(container, IMAGE)) == expected


@pytest.mark.parametrize(
    ("container", "image"),
    [
        (ExecConfig(), None),
        (ExecConfig(), ExecConfig()),
        (ExecConfig(entrypoint=("",)), IMAGE),
    ],
)
def test_no_command_specified(container: ExecConfig, image: ExecConfig | None) -> None:
    with pytest.raises(InvalidArgument) as caught:
        merge_config(container, image)
    assert caught.value.message == "no command specified"


def test_environment_is_merged_by_name_the_containers_first() -> None:
    assert merge_environment(("PATH=/bin", "A=1", "B=2"), ("A=9", "C", "B=")) == (
        "A=9",
        "C",
        "B=",
        "PATH=/bin",
    )


def test_what_the_container_leaves_open_comes_from_the_image() -> None:
    image = ExecConfig(
        cmd=("x",),
        user="www",
        working_dir="/srv",
        stop_signal="SIGWINCH",
        exposed_ports={"80/tcp": {}},
        volumes={"/data": {}},
        labels={"a": "image", "b": "image"},
        shell=("/bin/bash", "-c"),
    )
    merged = merge_config(
        ExecConfig(labels={"a": "own"}, exposed_ports={"81/udp": {}}, volumes={"/own": {}}), image
    )
    assert (merged.user, merged.working_dir, merged.stop_signal) == ("www", "/srv", "SIGWINCH")
    assert merged.exposed_ports == {"80/tcp": {}, "81/udp": {}}
    assert merged.volumes == {"/data": {}, "/own": {}}
    assert merged.labels == {"a": "own", "b": "image"}
    assert merged.shell == ("/bin/bash", "-c")


def test_what_the_container_says_stands() -> None:
    image = ExecConfig(cmd=("x",), user="www", working_dir="/srv", stop_signal="SIGWINCH")
    own = ExecConfig(user="0:0", working_dir="/", stop_signal="SIGKILL")
    merged = merge_config(own, image)
    assert (merged.user, merged.working_dir, merged.stop_signal) == ("0:0", "/", "SIGKILL")


def test_a_health_check_is_merged_field_by_field() -> None:
    image = ExecConfig(
        cmd=("x",), healthcheck=Healthcheck(test=("CMD", "probe"), interval=5, retries=3)
    )
    own = ExecConfig(healthcheck=Healthcheck(interval=9, start_period=1))
    assert merge_config(own, image).healthcheck == Healthcheck(
        test=("CMD", "probe"), interval=9, retries=3, start_period=1
    )
    assert merge_config(ExecConfig(), image).healthcheck == image.healthcheck
    none = ExecConfig(healthcheck=Healthcheck(test=("NONE",)))
    merged = merge_config(none, image).healthcheck
    assert merged is not None
    assert merged.test == ("NONE",)


def test_nothing_is_invented() -> None:
    merged = merge_config(ExecConfig(cmd=("x",)), None)
    assert (merged.exposed_ports, merged.volumes, merged.healthcheck) == (None, None, None)
    assert (merged.env, merged.labels) == ((), {})
