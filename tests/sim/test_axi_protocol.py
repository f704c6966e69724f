# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The monitor of AXI4-Stream notices every broken rule."""

import pytest

from firebrick.sim.axi_protocol import PacketContract
from firebrick.sim.stream_contract import ContractError

GOOD = [(0, 0, 0, 0, 0), (1, 0, 0xAABB, 3, 0), (1, 1, 0xAABB, 3, 0), (0, 1, 0, 0, 0), (1, 1, 0xCC, 1, 1)]
"""A packet of three bytes in beats of two, with a stall and a gap: valid, ready, data, keep, last."""


def observe(cycles: list[tuple[int, int, int, int, int]]) -> PacketContract:
    contract = PacketContract("out", stream_bytes=2, packet_bytes=3)
    for cycle in cycles:
        contract.observe(*cycle)
    return contract


def test_monitor_counts_packets_that_keep_the_rules() -> None:
    assert observe(2 * GOOD).packets == 2


@pytest.mark.parametrize(
    ("cycle", "broken", "message"),
    [
        (2, (0, 1, 0xAABB, 3, 0), "valid was taken back"),
        (2, (1, 1, 0xAABC, 3, 0), "the payload changed"),
        (2, (1, 1, 0xAABB, 1, 0), "the payload changed"),
        (2, (1, 1, 0xAABB, 3, 1), "the payload changed"),
        (4, (1, 1, 0xCC, 2, 1), "the bytes of a beat are not its lowest"),
        (4, (1, 1, 0xCC, 1, 0), "has only 1 of 2 bytes"),
        (4, (1, 1, 0xCC, 3, 1), "TLAST is 1 after 4 of 3 bytes"),
        (4, (1, 1, 0xCC, 3, 0), "TLAST is 0 after 4 of 3 bytes"),
        (4, (1, 1, 0xCC, 0, 1), "TLAST is 1 after 2 of 3 bytes"),
    ],
)
def test_monitor_notices_a_broken_rule(cycle: int, broken: tuple[int, int, int, int, int], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        observe([*GOOD[:cycle], broken])
