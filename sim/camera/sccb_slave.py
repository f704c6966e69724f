# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A sensor's end of the control bus: registers that are written and read, with every rule of the protocol checked."""

from dataclasses import dataclass, field


class SccbError(AssertionError):
    """The master has broken the protocol."""


@dataclass
class SccbSlave:
    """Follows the two lines ("OmniVision Serial Camera Control Bus Functional Specification", version 2.2).

    Call ``step`` for each moment of a simulation, with the lines as the master drives them. Raises SccbError where the master changes SDA
    while SCL is high but for start and stop, is faster than the limits, or sends what is no whole write or read.
    """

    address: int
    address_bytes: int = 1
    registers: dict[int, int] = field(default_factory=dict)
    """What is read; a write changes it. Registers that are missing read as 0xFF."""
    reset: tuple[int, int, dict[int, int]] | None = None
    """Register, value and what the registers are after this value is written to it."""
    present: bool = True
    """Whether it answers: without a sensor the lines stay high."""
    writes: list[tuple[int, int]] = field(default_factory=list)
    """Register and value of each write, in order."""
    reads: list[int] = field(default_factory=list)
    """Register of each read, in order."""
    minimum_low: float = 1.3e-6
    minimum_high: float = 0.6e-6
    """Seconds for which SCL must be low and high (data sheet of the OV7670, table 4)."""
    _lines: tuple[int, int] = (1, 1)
    _changed: float = 0.0
    _time: float = 0.0
    _bits: list[int] = field(default_factory=list)
    _busy: bool = False
    _pulled: bool = False
    _pointer: int = 0

    def step(self, seconds: float, scl: int, sda: int) -> int:
        """The line SDA after these seconds, in which the master has held the lines so (1: released): 0 if either end drives it low."""
        self._time += seconds
        before, self._lines = self._lines, (scl, sda)
        if not self.present:
            self._busy, self._pulled, self._bits = False, False, []
            return sda
        if before == (scl, sda):
            return sda & (not self._pulled)
        if before[0] != scl and before[1] != sda:
            raise SccbError("SCL and SDA change at the same time")
        if before[0] != scl:
            self._clock(scl, sda)
        elif scl:
            self._stop() if sda else self._start()
        return sda & (not self._pulled)

    def _start(self) -> None:
        if self._busy:
            raise SccbError("a start within a transmission")
        self._busy, self._bits = True, []

    def _stop(self) -> None:
        if not self._busy:
            raise SccbError("a stop without a transmission")
        self._busy = False
        if len(self._bits) % 9 != 1 or self._bits[-1]:  # the rising edge before a stop is no bit
            raise SccbError(f"a transmission of {len(self._bits) - 1} bits")
        data = [_number(self._bits[start : start + 8]) for start in range(0, len(self._bits) - 1, 9)]
        if data[0] == self.address + 1:
            if len(data) != 2 or not self._bits[17]:
                raise SccbError("a read must have one byte, and 1 after it")
            self.reads.append(self._pointer)
            return
        if data[0] != self.address or len(data) not in (1 + self.address_bytes, 2 + self.address_bytes):
            raise SccbError(f"a transmission of {data}")
        self._pointer = int.from_bytes(bytes(data[1 : 1 + self.address_bytes]), "big")
        if len(data) == 2 + self.address_bytes:
            self.writes.append((self._pointer, data[-1]))
            self.registers[self._pointer] = data[-1]
            if self.reset is not None and self.writes[-1] == self.reset[:2]:
                self.registers = dict(self.reset[2])

    def _clock(self, scl: int, sda: int) -> None:
        """An edge of SCL."""
        lasted, self._changed = self._time - self._changed, self._time
        if not self._busy:
            raise SccbError("SCL changes without a start")
        limit = self.minimum_low if scl else self.minimum_high
        if lasted < limit:
            raise SccbError(f"SCL was {'low' if scl else 'high'} for {lasted * 1e6:.2f} us only")
        if scl:
            self._bits.append(sda & (not self._pulled))
        else:
            self._pulled = self._answer()

    def _answer(self) -> bool:
        """Whether it pulls SDA down for the next bit."""
        count = len(self._bits)
        if count % 9 == 8:  # its acknowledgement; after a byte that it sent, the master's
            return not (count == 17 and self._reading())
        if count >= 9 and self._reading() and count < 17:
            return not self.registers.get(self._pointer, 0xFF) >> (16 - count) & 1
        return False

    def _reading(self) -> bool:
        return _number(self._bits[:8]) == self.address + 1


def _number(bits: list[int]) -> int:
    return int("".join(map(str, map(int, bits))), 2)
