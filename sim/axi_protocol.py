# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The rules of AXI4-Stream for a transmitter, checked cycle by cycle (Arm IHI 0051, chapters 2.2 and 2.5)."""

from .stream_contract import ContractError, StreamContract


class PacketContract:
    """Watches the packets of one stream.

    TVALID stays 1 and TDATA, TKEEP and TLAST stay the same until TREADY is 1; beats are full except the last one of a packet, whose bytes
    are its lowest; every packet has the right number of bytes.

    Parameters
    ----------
    name: name of the stream, for messages
    stream_bytes: bytes of a beat
    packet_bytes: bytes of a packet
    """

    def __init__(self, name: str, *, stream_bytes: int, packet_bytes: int) -> None:
        self._contract = StreamContract(name)
        self._stream_bytes = stream_bytes
        self._packet_bytes = packet_bytes
        self._received = 0
        self.packets = 0
        """Packets taken so far."""

    def observe(self, valid: int, ready: int, data: int, keep: int, last: int) -> None:
        """Checks one cycle. Raises ContractError when a rule is broken."""
        self._contract.observe(valid, ready, (data << self._stream_bytes | keep) << 1 | last)
        if not (valid and ready):
            return
        where = f"stream {self._contract.name}, packet {self.packets}, byte {self._received}"
        count = keep.bit_count()
        if keep != (1 << count) - 1:
            raise ContractError(f"{where}: the bytes of a beat are not its lowest: TKEEP is {keep:#x}")
        if not last and count != self._stream_bytes:
            raise ContractError(f"{where}: a beat before the last one has only {count} of {self._stream_bytes} bytes")
        self._received += count
        if last != (self._received == self._packet_bytes) or self._received > self._packet_bytes:
            raise ContractError(f"{where}: TLAST is {last} after {self._received} of {self._packet_bytes} bytes")
        if last:
            self._received = 0
            self.packets += 1
