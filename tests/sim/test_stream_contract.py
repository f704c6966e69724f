# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The monitor of the stream contract must detect every broken source; otherwise the tests that use it prove nothing."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from firebrick.sim.stream_contract import ContractError, StreamContract
from tests.helpers.streams import simulate, take_first


class NumberSource(wiring.Component):
    """Sends 0, 1, 2, ... and breaks the contract in one way while its sink stalls."""

    output: stream.Interface

    def __init__(self, *, withdraws: bool = False, changes: bool = False) -> None:
        self._withdraws = withdraws
        self._changes = changes
        super().__init__({"output": Out(stream.Signature(unsigned(8)))})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        number = Signal(8)
        waited = Signal()
        offered, ready = self.output.valid, self.output.ready
        m.d.comb += [offered.eq(~waited if self._withdraws else 1), self.output.payload.eq(number)]
        m.d.sync += waited.eq(offered & ~ready)
        with m.If(offered & (ready | self._changes)):
            m.d.sync += number.eq(number + 1)
        return m


BROKEN = [({"withdraws": True}, "valid was taken back"), ({"changes": True}, "the payload changed")]


def test_contract_allows_a_source_that_waits() -> None:
    contract = StreamContract("words")
    for valid, ready, payload in [(0, 0, 9), (0, 1, 3), (1, 0, 5), (1, 0, 5), (1, 1, 5), (1, 1, 6), (0, 0, 0), (1, 1, 6)]:
        contract.observe(valid, ready, payload)
    assert contract.taken == 3


def test_contract_allows_a_new_payload_right_after_the_last_was_taken() -> None:
    contract = StreamContract("words")
    for payload in range(5):
        contract.observe(1, 1, payload)
    assert contract.taken == 5


def test_contract_detects_valid_taken_back() -> None:
    contract = StreamContract("words")
    contract.observe(0, 1, 0)
    contract.observe(1, 0, 5)
    with pytest.raises(ContractError, match=r"^stream words, cycle 2: valid was taken back before the payload was taken$"):
        contract.observe(0, 1, 5)


@pytest.mark.parametrize("ready", [0, 1])
def test_contract_detects_a_changed_payload(ready: int) -> None:
    contract = StreamContract("words")
    contract.observe(1, 0, 5)
    with pytest.raises(ContractError, match=r"^stream words, cycle 1: the payload changed from 0x5 to 0x1f before it was taken$"):
        contract.observe(1, ready, 31)


def test_contract_is_an_assertion() -> None:
    assert issubclass(ContractError, AssertionError)


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_watch_allows_a_good_source(stall: float) -> None:
    payloads, _ = take_first(NumberSource(), 20, rng=np.random.default_rng(0), stall=stall)
    assert payloads == list(range(20))


@pytest.mark.parametrize(("broken", "message"), BROKEN)
def test_watch_detects_a_broken_source(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=f"^stream output, cycle [0-9]+: {message}"):
        take_first(NumberSource(**broken), 20, rng=np.random.default_rng(0), stall=0.5)


@pytest.mark.parametrize(("broken", "message"), BROKEN)
def test_simulate_watches_its_outputs(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=f"^stream output, cycle [0-9]+: {message}"):
        simulate(NumberSource(**broken), {}, {"output": 20}, rng=np.random.default_rng(0), stall=0.5)


def test_simulate_detects_an_extra_payload() -> None:
    with pytest.raises(AssertionError, match="more than the 5 payloads expected"):
        simulate(NumberSource(), {}, {"output": 5}, rng=np.random.default_rng(0))
