# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The monitor of stream contracts: it must see every broken source, or what it watches in other tests proves nothing."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from firebrick.sim.stream_contract import ContractError, StreamContract
from tests.helpers.streams import simulate, take_first


class Source(wiring.Component):
    """Sends 0, 1, 2, ..., and breaks its contract in one way where its consumer waits."""

    output: stream.Interface

    def __init__(self, *, takes_back: bool = False, changes: bool = False) -> None:
        self._takes_back = takes_back
        self._changes = changes
        super().__init__({"output": Out(stream.Signature(unsigned(8)))})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        number, waited = Signal(8), Signal()
        offered, ready = self.output.valid, self.output.ready
        m.d.comb += [offered.eq(~waited if self._takes_back else 1), self.output.payload.eq(number)]
        m.d.sync += waited.eq(offered & ~ready)
        with m.If(offered & (ready | self._changes)):
            m.d.sync += number.eq(number + 1)
        return m


BROKEN = [({"takes_back": True}, "valid was taken back"), ({"changes": True}, "the payload changed")]


def test_contract_allows_a_patient_source() -> None:
    contract = StreamContract("words")
    for valid, ready, payload in [(0, 0, 9), (0, 1, 3), (1, 0, 5), (1, 0, 5), (1, 1, 5), (1, 1, 6), (0, 0, 0), (1, 1, 6)]:
        contract.observe(valid, ready, payload)
    assert contract.taken == 3


def test_contract_allows_a_new_payload_right_after_the_last_was_taken() -> None:
    contract = StreamContract("words")
    for payload in range(5):
        contract.observe(1, 1, payload)
    assert contract.taken == 5


def test_contract_sees_valid_taken_back() -> None:
    contract = StreamContract("words")
    contract.observe(0, 1, 0)
    contract.observe(1, 0, 5)
    with pytest.raises(ContractError, match=r"^stream words, cycle 2: valid was taken back before the payload was taken$"):
        contract.observe(0, 1, 5)


@pytest.mark.parametrize("ready", [0, 1])
def test_contract_sees_a_changed_payload(ready: int) -> None:
    contract = StreamContract("words")
    contract.observe(1, 0, 5)
    with pytest.raises(ContractError, match=r"^stream words, cycle 1: the payload changed from 0x5 to 0x1f before it was taken$"):
        contract.observe(1, ready, 31)


def test_contract_is_an_assertion() -> None:
    assert issubclass(ContractError, AssertionError)


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_watch_allows_a_good_source(stall: float) -> None:
    payloads, _ = take_first(Source(), 20, rng=np.random.default_rng(0), stall=stall)
    assert payloads == list(range(20))


@pytest.mark.parametrize(("broken", "message"), BROKEN)
def test_watch_sees_a_broken_source(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=f"^stream output, cycle [0-9]+: {message}"):
        take_first(Source(**broken), 20, rng=np.random.default_rng(0), stall=0.5)


@pytest.mark.parametrize(("broken", "message"), BROKEN)
def test_simulate_watches_its_outputs(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=f"^stream output, cycle [0-9]+: {message}"):
        simulate(Source(**broken), {}, {"output": 20}, rng=np.random.default_rng(0), stall=0.5)


def test_simulate_sees_a_payload_too_many() -> None:
    with pytest.raises(AssertionError, match="more than the 5 payloads expected"):
        simulate(Source(), {}, {"output": 5}, rng=np.random.default_rng(0))
