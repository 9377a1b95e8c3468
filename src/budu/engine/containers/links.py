"""`--link NAME:ALIAS` on the default bridge: names in /etc/hosts and Docker's variables.

A link is kept with the container that asked for it (`Container.links`, the other's id and the
alias) and as a second name of the other (`Container.linked_as`, `/web/db`), because lists show it.
User-defined networks have names of their own and need none of this.
Source: Docker docs, "Legacy container links"; moby 28.3, daemon/links and daemon/links/links.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec

from budu.base.errors import Conflict, InvalidArgument, NotFound
from budu.engine.containers.model import Container, Link
from budu.engine.containers.repository import ContainerRepository
from budu.spec.api.host_config import HostConfig

Find = Callable[[str], Container]
_PRIVATE = ("HOME", "PATH")


def plan_links(host: HostConfig, find: Find) -> tuple[Link, ...]:
    """The links that a create asks for.

    Raises: InvalidArgument for a malformed one or a network that has none; NotFound.
    """
    if host.links and host.network_mode == "host":
        raise InvalidArgument(
            "conflicting options: host type networking can't be used with links. This would "
            "result in undefined behavior"
        )
    return tuple(_link(text, find) for text in host.links or ())


def _link(text: str, find: Find) -> Link:
    name, separator, alias = text.partition(":")
    if not name or (separator and not alias) or ":" in alias:
        raise InvalidArgument(f"bad format for links: {text}")
    try:
        other = find(name)
    except NotFound as error:
        message = f"could not get container for {name}: {error.message}"
        raise InvalidArgument(message) from None
    return Link(container_id=other.id, alias=(alias or name).rpartition("/")[2])


def full_alias(container: Container, link: Link) -> str:
    """The other's second name: `/web/db`."""
    return f"/{container.name}/{link.alias}"


def rendered(container: Container, find: Find) -> list[str] | None:
    """The links as an inspection shows them: `/db:/web/db`."""
    return [
        f"/{other.name}:{full_alias(container, link)}" for link, other in linked_to(container, find)
    ] or None


def linked_to(container: Container, find: Find) -> list[tuple[Link, Container]]:
    """The links whose other end is still there."""
    found = []
    for link in container.links:
        with suppress(NotFound):
            found.append((link, find(link.container_id)))
    return found


def tell_linked(container: Container, repository: ContainerRepository) -> None:
    """Give the others the names that `container` has for them now: after its making or renaming."""
    forget_linked(container, repository)
    for link in container.links:
        if link.container_id in repository:
            other = repository.get(link.container_id)
            names = (*other.linked_as, full_alias(container, link))
            repository.update(msgspec.structs.replace(other, linked_as=names))


def forget_linked(container: Container, repository: ContainerRepository, *, name: str = "") -> None:
    """Take these names away again: `name` is the container's name then, if it has changed."""
    prefix = f"/{name or container.name}/"
    for link in container.links:
        if link.container_id in repository:
            other = repository.get(link.container_id)
            names = tuple(each for each in other.linked_as if not each.startswith(prefix))
            if names != other.linked_as:
                repository.update(msgspec.structs.replace(other, linked_as=names))


def remove_link(name: str, repository: ContainerRepository) -> None:
    """`rm --link /web/db`. Raises: NotFound, InvalidArgument for what is no link."""
    parent, _, alias = name.strip("/").partition("/")
    if not alias:
        raise InvalidArgument(
            f"Conflict, cannot remove the default link name of the container: /{parent}"
        )
    container = repository.get(parent)
    left = tuple(each for each in container.links if each.alias != alias)
    if len(left) == len(container.links):
        raise NotFound(f"Could not get the link: /{parent}/{alias}")
    forget_linked(container, repository)
    tell_linked(repository.update(msgspec.structs.replace(container, links=left)), repository)


class Linked:
    """What a container gets from its links when it starts."""

    def __init__(self, container: Container, find: Find) -> None:
        """Raises: Conflict when one of the others does not run."""
        self._container = container
        self._others = linked_to(container, find)
        for link, other in self._others:
            if not other.is_running:
                alias = full_alias(container, link)
                raise Conflict(f"Cannot link to a non running container: /{other.name} AS {alias}")

    def hosts(self) -> list[str]:
        """Lines for /etc/hosts."""
        return [line for link, other in self._others for line in hosts_lines(link, other)]

    def variables(self) -> list[str]:
        """Docker's variables about the others, sorted by alias."""
        return [
            entry
            for link, other in sorted(self._others, key=lambda pair: pair[0].alias)
            for entry in _variables(full_alias(self._container, link), other)
        ]


def with_variables(container: Container, variables: list[str]) -> Container:
    """The container with variables that its own go before."""
    if not variables:
        return container
    env = [*variables, *(container.config.env or ())]
    config = msgspec.structs.replace(container.config, env=env)
    return msgspec.structs.replace(container, config=config)


def _address(other: Container) -> str:
    return next((each.address for each in other.endpoints.values()), "")


def hosts_lines(link: Link, other: Container) -> list[str]:
    """What /etc/hosts says of a link; nothing while the other has no address."""
    address = _address(other)
    names = dict.fromkeys((link.alias, other.config.hostname, other.name))
    return [f"{address}\t{' '.join(names)}\n"] if address else []


def _variables(alias: str, other: Container) -> Iterable[str]:
    prefix = alias.rpartition("/")[2].upper().replace("-", "_")
    address = _address(other)
    ports = sorted(map(_port, other.config.exposed_ports or ()))
    if ports:
        number, protocol = ports[0]
        yield f"{prefix}_PORT={protocol}://{address}:{number}"
    yield from _port_variables(prefix, address, ports)
    yield f"{prefix}_NAME={alias}"
    for entry in other.config.env or ():
        if entry.partition("=")[0] not in _PRIVATE:
            yield f"{prefix}_ENV_{entry}"


def _port_variables(prefix: str, address: str, ports: list[tuple[int, str]]) -> Iterable[str]:
    for number, protocol in ports:
        key = f"{prefix}_PORT_{number}_{protocol.upper()}"
        yield f"{key}={protocol}://{address}:{number}"
        yield f"{key}_ADDR={address}"
        yield f"{key}_PORT={number}"
        yield f"{key}_PROTO={protocol}"


def _port(text: str) -> tuple[int, str]:
    number, _, protocol = text.partition("/")
    return int(number.partition("-")[0]), protocol or "tcp"
