"""When an engine gives memory back."""

import asyncio

from budu.daemon.thrift import CALM_BYTES, GROWTH_BYTES, Thrift

BASE = 50 << 20


class Memory:
    """Memory that can all be given back but what is there at first."""

    def __init__(self) -> None:
        self.resident = BASE
        self.given_back = 0

    def give_back(self) -> None:
        self.given_back += 1
        self.resident = BASE

    def thrift(self) -> Thrift:
        thrift = Thrift(resident_bytes=lambda: self.resident, give_back=self.give_back)
        thrift.look()
        thrift.look()
        self.given_back = 0
        return thrift


def test_growth_is_given_back_once_it_has_ended() -> None:
    memory = Memory()
    thrift = memory.thrift()
    for _ in range(3):
        memory.resident += GROWTH_BYTES
        thrift.look()
    assert memory.given_back == 0  # still growing
    thrift.look()
    assert (memory.given_back, memory.resident) == (1, BASE)


def test_little_growth_is_left_alone() -> None:
    memory = Memory()
    thrift = memory.thrift()
    memory.resident += GROWTH_BYTES - CALM_BYTES
    for _ in range(3):
        thrift.look()
    assert memory.given_back == 0


def test_what_cannot_be_given_back_is_not_tried_again() -> None:
    tries: list[int] = []
    resident = BASE
    thrift = Thrift(resident_bytes=lambda: resident, give_back=lambda: tries.append(resident))
    for _ in range(5):
        thrift.look()
    resident += GROWTH_BYTES
    for _ in range(5):
        thrift.look()
    assert tries == [BASE, BASE + GROWTH_BYTES]


async def test_it_ends_when_told() -> None:
    memory = Memory()
    thrift = memory.thrift()
    thrift.start()
    thrift.stop()
    thrift.stop()
    assert not [handle for handle in asyncio.all_tasks() if handle is not asyncio.current_task()]
