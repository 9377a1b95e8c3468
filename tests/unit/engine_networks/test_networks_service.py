"""Networks: what can be made, listed, removed, and with which words it is refused."""

from pathlib import Path

import pytest
from networks_scene import Scene

from budu.base.errors import (
    AlreadyExists,
    BuduError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from budu.base.filters import Filters
from budu.spec.api.network import IPAM, ConfigReference, IPAMConfig, NetworkCreateBody


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_a_network_is_made_with_a_subnet_of_its_own(scene: Scene) -> None:
    id_ = await scene.create("backend", labels={"a": "b"})
    found = scene.networks.get("backend")
    assert (found.id, found.driver, found.scope) == (id_, "bridge", "local")
    assert found.labels == {"a": "b"}
    assert found.ipam.config is not None and found.ipam.config[0].subnet
    assert id_ in scene.fabric.specs
    assert scene.told() == [("create", "backend")]


async def test_a_network_is_found_by_id_prefix_and_name(scene: Scene) -> None:
    id_ = await scene.create("backend")
    assert {scene.networks.get(ref).id for ref in (id_, id_[:12], "backend")} == {id_}
    with pytest.raises(NotFound, match=r"^network nope not found$"):
        scene.networks.get("nope")


async def test_a_name_goes_before_a_prefix_of_an_id(scene: Scene) -> None:
    first = await scene.create("one")
    second = await scene.create(first[:4])
    assert scene.networks.get(first[:4]).id == second


async def test_networks_live_on_in_the_next_engine(scene: Scene) -> None:
    id_ = await scene.create("backend", subnet="10.9.0.0/24", attachable=True)
    later = scene.service()
    later.start()
    assert later.restore([]) == []
    assert set(scene.fabric.specs) == {id_, later.id_of("bridge")}
    assert later.get("backend").attachable


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"name": "bridge"}, PermissionDenied,
         "operation is not permitted on predefined bridge network "),
        ({"name": "host"}, PermissionDenied,
         "operation is not permitted on predefined host network "),
        ({"name": " "}, InvalidArgument, "invalid name: name is empty"),
        ({"name": "taken"}, AlreadyExists, "network with name taken already exists"),
        ({"name": "n", "driver": "host"}, PermissionDenied,
         'only one instance of "host" network is allowed'),
        ({"name": "n", "driver": "null"}, PermissionDenied,
         'only one instance of "null" network is allowed'),
        ({"name": "n", "driver": "weave"}, NotFound, 'plugin "weave" not found'),
        ({"name": "n", "config_only": True, "internal": True}, PermissionDenied,
         "configuration network can only contain network specific fields. Network operator fields "
         "like [ ingress | internal | attachable | scope ] are not supported."),
        ({"name": "n", "config_from": ConfigReference(network="x")}, NotFound,
         'configuration network "x" does not exist'),
        ({"name": "n", "scope": "swarm"}, PermissionDenied,
         "cannot create a swarm scoped network when swarm is not active"),
        ({"name": "n", "options": {"com.docker.network.enable_ipv6": "perhaps"}}, InvalidArgument,
         'driver-opt "com.docker.network.enable_ipv6" is not a valid bool'),
    ],
)  # fmt: skip
async def test_a_creation_is_refused_with_dockers_words(
    scene: Scene, fields: dict[str, object], kind: type[BuduError], words: str
) -> None:
    await scene.create("taken")
    before = scene.names()
    with pytest.raises(kind) as refusal:
        await scene.networks.create(NetworkCreateBody(**fields))
    assert refusal.value.message == words
    assert scene.names() == before


async def test_swarm_networks_need_a_swarm(scene: Scene) -> None:
    with pytest.raises(PermissionDenied, match="This node is not a swarm manager"):
        await scene.create("n", driver="overlay")


async def test_a_network_takes_its_settings_from_a_configuration(scene: Scene) -> None:
    await scene.create("plan", config_only=True, subnet="10.8.0.0/24", labels={"x": "y"})
    assert scene.told() == [("create", "plan")]
    assert not [each for each in scene.fabric.specs.values() if each.name == "plan"]
    await scene.create("real", config_from=ConfigReference(network="plan"))
    found = scene.networks.get("real")
    assert found.ipam.config is not None and found.ipam.config[0].subnet == "10.8.0.0/24"
    assert (found.config_from.network, found.config_only) == ("plan", False)
    assert found.labels == {"x": "y"}
    with pytest.raises(PermissionDenied, match='configuration network "plan" is in use'):
        await scene.networks.remove("plan")
    await scene.networks.remove("real")
    await scene.networks.remove("plan")


async def test_settings_of_ones_own_beside_a_configuration_are_refused(scene: Scene) -> None:
    await scene.create("plan", config_only=True)
    with pytest.raises(PermissionDenied, match="user specified configurations are not supported"):
        await scene.create("n", config_from=ConfigReference(network="plan"), labels={"a": "b"})


async def test_nothing_is_stored_when_the_kernel_refuses(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise InvalidArgument("no")

    monkeypatch.setattr(scene.fabric, "create", refuse)
    with pytest.raises(InvalidArgument):
        await scene.create("backend")
    assert "backend" not in scene.names()
    assert scene.told() == []


async def test_a_network_is_removed(scene: Scene) -> None:
    id_ = await scene.create("backend")
    await scene.networks.remove(id_[:8])
    assert id_ not in scene.fabric.specs
    assert scene.told() == [("create", "backend"), ("destroy", "backend")]
    assert scene.service().id_of("backend") == ""


async def test_predefined_networks_stay(scene: Scene) -> None:
    for name in ("bridge", "host", "none"):
        with pytest.raises(PermissionDenied) as refusal:
            await scene.networks.remove(name)
        assert refusal.value.message == f"{name} is a pre-defined network and cannot be removed"


async def test_a_network_in_use_stays(scene: Scene) -> None:
    await scene.create("backend")
    container = scene.container("web", "backend")
    await scene.start("web")
    with pytest.raises(PermissionDenied) as refusal:
        await scene.networks.remove("backend")
    assert refusal.value.message == (
        "error while removing network: network backend has active endpoints "
        f'(name:"web" id:"{container.short_id}")'
    )


async def test_prune_removes_what_nobody_uses(scene: Scene) -> None:
    for name in ("used", "free", "kept"):
        await scene.create(name, labels={"keep": "1"} if name == "kept" else None)
    scene.container("web", "used")
    await scene.start("web")
    assert await scene.networks.prune(Filters({"label!": ("keep",)})) == ["free"]
    assert await scene.networks.prune(Filters({"until": ("24h",)})) == []
    assert scene.names(type="custom") == ["kept", "used"]
    assert scene.told()[-1] == ("prune", "")


async def test_filters(scene: Scene) -> None:
    await scene.create("backend", labels={"tier": "db"})
    await scene.create("used", driver="macvlan")
    scene.container("web", "used")
    await scene.start("web")
    assert scene.names() == ["backend", "bridge", "host", "none", "used"]
    assert scene.names(driver="macvlan") == ["used"]
    assert scene.names(label="tier=db") == ["backend"]
    assert scene.names(type="builtin") == ["bridge", "host", "none"]
    assert scene.names(dangling="true") == ["backend"]
    assert scene.names(dangling="false") == ["bridge", "host", "none", "used"]
    assert scene.names(name="ack") == ["backend"]
    assert scene.names(scope="swarm") == []
    with pytest.raises(InvalidArgument, match="invalid filter"):
        scene.names(type="odd")
    with pytest.raises(InvalidArgument):
        scene.names(colour="red")


async def test_an_inspection_shows_who_is_in_it(scene: Scene) -> None:
    await scene.create("backend", subnet="10.9.0.0/24")
    scene.container("web", "backend")
    scene.container("idle", "backend")
    web = await scene.start("web")
    found = scene.networks.get("backend")
    assert found.containers is not None and list(found.containers) == [web.id]
    assert found.containers[web.id].ipv4_address == f"{web.endpoints['backend'].address}/24"


async def test_pools_are_shown_as_they_were_asked_for(scene: Scene) -> None:
    pool = IPAMConfig(
        subnet="10.9.0.0/24",
        gateway="10.9.0.9",
        ip_range="10.9.0.128/25",
        auxiliary_addresses={"router": "10.9.0.5"},
    )
    await scene.create("backend", ipam=IPAM(config=[pool], options={"a": "b"}))
    found = scene.networks.get("backend").ipam
    assert (found.config, found.options, found.driver) == ([pool], {"a": "b"}, "default")
