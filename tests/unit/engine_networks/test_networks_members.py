"""Connecting, disconnecting, opening and closing while containers live."""

from pathlib import Path

import pytest
from networks_scene import Scene

from budu.base.errors import Conflict, Internal, InvalidArgument, NotFound, PermissionDenied
from budu.engine.containers.model import Status
from budu.spec.api.host_config import HostConfig, PortBinding
from budu.spec.api.network import EndpointIPAMConfig, EndpointSettings


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def published(mode: str = "bridge") -> HostConfig:
    return HostConfig(network_mode=mode, port_bindings={"80/tcp": [PortBinding(host_port="8080")]})


async def test_a_start_joins_all_networks(scene: Scene) -> None:
    await scene.create("a")
    await scene.create("b", subnet="10.9.0.0/24")
    fixed = EndpointSettings(
        ipam_config=EndpointIPAMConfig(ipv4_address="10.9.0.77"), gw_priority=1
    )
    scene.container("web", "a", "b", host=published("a"), b=fixed)
    web = await scene.start("web")
    assert list(web.endpoints) == ["a", "b"]
    assert web.endpoints["b"].address == "10.9.0.77"
    assert [name for name, each in web.endpoints.items() if each.default_route] == ["b"]
    assert [name for name, each in web.endpoints.items() if each.bindings] == ["b"]


async def test_a_start_that_fails_leaves_nothing(scene: Scene) -> None:
    await scene.create("a")
    scene.container("web", "bridge", "a", host=published())
    scene.fabric.refused_port = 8080
    with pytest.raises(Conflict, match="port is already allocated"):
        await scene.start("web")
    assert scene.fabric.endpoints == {}


async def test_a_start_finds_a_network_that_was_made_after_the_container(scene: Scene) -> None:
    wish = EndpointSettings(ipam_config=EndpointIPAMConfig(ipv4_address="10.9.0.77"))
    scene.container("web", "late", late=wish)
    with pytest.raises(NotFound, match="failed to set up container networking: network late not"):
        await scene.start("web")
    await scene.create("late", subnet="10.9.0.0/24")
    web = await scene.start("web")
    assert web.endpoints["late"].address == "10.9.0.77"


async def test_what_such_a_network_cannot_give_is_told_by_the_start(scene: Scene) -> None:
    wish = EndpointSettings(ipam_config=EndpointIPAMConfig(ipv4_address="1.2.3.4"))
    scene.container("web", "late", late=wish)
    await scene.create("late", subnet="10.9.0.0/24")
    with pytest.raises(InvalidArgument, match=r"no configured subnet .* contain the IP address"):
        await scene.start("web")
    assert scene.fabric.endpoints == {}


async def test_a_container_that_is_gone_is_no_endpoint(scene: Scene) -> None:
    await scene.create("a")
    with pytest.raises(NotFound) as refusal:
        await scene.members.disconnect("a", "gone", force=True)
    assert refusal.value.message == "endpoint gone not found"
    with pytest.raises(NotFound, match="No such container: gone"):
        await scene.members.disconnect("a", "gone", force=False)
    with pytest.raises(NotFound, match="network nowhere not found"):
        await scene.members.disconnect("nowhere", "gone", force=True)


async def test_a_start_in_a_network_that_is_gone(scene: Scene) -> None:
    await scene.create("a")
    scene.container("web", "a")
    await scene.networks.remove("a")
    with pytest.raises(NotFound) as refusal:
        await scene.start("web")
    assert refusal.value.message == "failed to set up container networking: network a not found"


async def test_a_running_container_comes_into_a_network(scene: Scene) -> None:
    id_ = await scene.create("a")
    scene.container("web", "bridge")
    await scene.start("web")
    await scene.members.connect(id_[:12], "web", EndpointSettings(aliases=["db"]))
    web = scene.containers.get("web")
    assert list(web.endpoints) == ["bridge", "a"] == list(web.endpoint_settings)
    assert web.endpoint_settings["a"].aliases == ["db"]
    assert scene.lives.held[web.id].endpoints == web.endpoints
    assert f"{web.endpoints['a'].address}\tweb\n" in scene.hosts("web")
    assert scene.told()[-1] == ("connect", "a")


async def test_the_way_out_moves_with_the_priority(scene: Scene) -> None:
    id_ = await scene.create("z")
    scene.container("web", "bridge", host=published())
    await scene.start("web")
    await scene.members.connect("z", "web", EndpointSettings(gw_priority=5))
    web = scene.containers.get("web")
    assert [name for name, each in web.endpoints.items() if each.default_route] == ["z"]
    assert [name for name, each in web.endpoints.items() if each.bindings] == ["z"]
    assert web.endpoints["z"].bindings[0].host_port == 8080
    assert scene.fabric.routes == (id_, "")
    await scene.members.disconnect("z", "web", force=False)
    web = scene.containers.get("web")
    assert [each.host_port for each in web.endpoints["bridge"].bindings] == [8080]
    assert web.endpoints["bridge"].default_route
    assert scene.fabric.routes == (scene.networks.id_of("bridge"), "")


async def test_a_refused_connection_changes_nothing(scene: Scene) -> None:
    scene.fabric.refused_network = await scene.create("z")
    scene.container("web", "bridge", host=published())
    before = await scene.start("web")
    scene.fabric.refused_port = 8080
    with pytest.raises(Conflict):
        await scene.members.connect("z", "web", EndpointSettings(gw_priority=5))
    scene.fabric.refused_port = 0
    web = scene.containers.get("web")
    assert web.endpoint_settings == before.endpoint_settings
    assert [each.network_id for each in scene.fabric.endpoints.values()] == [
        scene.networks.id_of("bridge")
    ]
    assert "z" not in scene.lives.held[web.id].endpoints
    (state,) = scene.fabric.endpoints.values()
    assert [each.host_port for each in state.bindings] == [8080]


async def test_a_stopped_container_comes_into_a_network_with_its_next_start(scene: Scene) -> None:
    await scene.create("a")
    scene.container("web", "bridge")
    await scene.members.connect("a", "web", None)
    await scene.members.connect("a", "web", None)
    assert list((await scene.start("web")).endpoints) == ["bridge", "a"]


async def test_twice_is_refused_while_it_runs(scene: Scene) -> None:
    await scene.create("a")
    scene.container("web", "a")
    await scene.start("web")
    with pytest.raises(PermissionDenied) as refusal:
        await scene.members.connect("a", "web", None)
    assert refusal.value.message == "endpoint with name web already exists in network a"


async def test_a_container_without_a_network_of_its_own_joins_none(scene: Scene) -> None:
    await scene.create("a")
    scene.container("shared", host=HostConfig(network_mode="container:x"))
    scene.container("hosted", "host")
    for name in ("shared", "hosted"):
        with pytest.raises(InvalidArgument, match="sharing network namespace"):
            await scene.members.connect("a", name, None)


async def test_a_container_that_is_being_removed_is_left_alone(scene: Scene) -> None:
    await scene.create("a")
    web = scene.container("web", "bridge")
    scene.lives.change(web.id, status=Status.DEAD)
    with pytest.raises(PermissionDenied, match="is marked for removal"):
        await scene.members.connect("a", "web", None)


async def test_a_running_container_leaves_a_network(scene: Scene) -> None:
    await scene.create("a")
    scene.container("web", "bridge", "a")
    before = await scene.start("web")
    await scene.members.disconnect("a", "web", force=False)
    web = scene.containers.get("web")
    assert list(web.endpoints) == ["bridge"] == list(web.endpoint_settings)
    assert before.endpoints["a"].endpoint_id not in scene.fabric.endpoints
    assert scene.told()[-1] == ("disconnect", "a")
    with pytest.raises(Internal) as refusal:
        await scene.members.disconnect("a", "web", force=False)
    assert refusal.value.message == f"container {web.id} is not connected to network a"


async def test_own_lines_of_hosts_come_and_go(scene: Scene) -> None:
    await scene.create("a")
    scene.container("web", "bridge")
    await scene.start("web")
    before = scene.hosts("web")
    await scene.members.connect("a", "web", None)
    await scene.members.disconnect("a", "web", force=False)
    assert scene.hosts("web") == before


async def test_a_stopped_container_leaves_a_network_that_is_gone(scene: Scene) -> None:
    await scene.create("a")
    web = scene.container("web", "a")
    await scene.networks.remove("a")
    with pytest.raises(NotFound):
        await scene.members.disconnect("a", "web", force=False)
    await scene.members.disconnect("a", "web", force=True)
    assert scene.containers.get(web.id).endpoint_settings == {}


async def test_ports_open_and_close_while_it_runs(scene: Scene) -> None:
    scene.container("web", "bridge", host=published())
    await scene.start("web")
    await scene.members.publish("web", {"81/tcp": [PortBinding(host_port="8081")]})
    web = scene.containers.get("web")
    assert [each.host_port for each in web.endpoints["bridge"].bindings] == [8080, 8081]
    assert set(web.host_config.port_bindings or ()) == {"80/tcp", "81/tcp"}
    assert [each.host_port for each in scene.networks.published()] == [8080, 8081]
    await scene.members.unpublish("web", {"80/tcp": None})
    web = scene.containers.get("web")
    assert [each.host_port for each in web.endpoints["bridge"].bindings] == [8081]
    assert set(web.host_config.port_bindings or ()) == {"81/tcp"}


async def test_a_taken_port_leaves_the_wishes_alone(scene: Scene) -> None:
    scene.container("web", "bridge")
    await scene.start("web")
    scene.fabric.refused_port = 8081
    with pytest.raises(Conflict, match="already allocated"):
        await scene.members.publish("web", {"81/tcp": [PortBinding(host_port="8081")]})
    assert not scene.containers.get("web").host_config.port_bindings


async def test_an_internal_network_publishes_nothing(scene: Scene) -> None:
    await scene.create("a", internal=True)
    scene.container("web", "a", host=published("a"))
    web = await scene.start("web")
    assert web.endpoints["a"].bindings == ()
    assert not web.endpoints["a"].default_route
    with pytest.raises(Conflict, match="can publish ports"):
        await scene.members.publish("web", {"81/tcp": None})
    assert scene.networks.is_internal("a")


async def test_a_host_container_has_no_ports(scene: Scene) -> None:
    scene.container("web", "host")
    with pytest.raises(Conflict, match="network mode host"):
        await scene.members.publish("web", {"81/tcp": None})


async def test_a_plan_by_id_is_kept_by_name(scene: Scene) -> None:
    id_ = await scene.create("a")
    web = scene.container("web", id_, host=HostConfig(network_mode=id_[:12]))
    assert web.endpoint_settings == {"a": EndpointSettings(network_id=id_)}


async def test_a_plan_with_the_hosts_network_besides_is_refused(scene: Scene) -> None:
    await scene.create("a")
    with pytest.raises(InvalidArgument, match="sharing network namespace"):
        scene.container("web", "host", "a")
    with pytest.raises(InvalidArgument, match=r"private \(none\) mode"):
        scene.container("web", "none", "a")
