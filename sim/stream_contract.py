# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The contract of every stream, checked cycle by cycle in any simulator."""


class ContractError(AssertionError):
    """A source broke the contract of its stream."""


class StreamContract:
    """Watches one stream: once ``valid`` is high, it stays high and the payload stays the same until ``ready`` is high.

    Parameters
    ----------
    name: name of the stream, for messages
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken = 0
        """Payloads taken so far."""
        self._cycle = 0
        self._offered: int | None = None

    def observe(self, valid: bool | int, ready: bool | int, payload: int) -> None:
        """Checks one cycle. Raises ContractError, with stream and cycle, when the contract is broken."""
        if self._offered is not None and not valid:
            raise ContractError(f"stream {self.name}, cycle {self._cycle}: valid was taken back before the payload was taken")
        if self._offered is not None and payload != self._offered:
            change = f"from {self._offered:#x} to {payload:#x}"
            raise ContractError(f"stream {self.name}, cycle {self._cycle}: the payload changed {change} before it was taken")
        self.taken += bool(valid and ready)
        self._offered = payload if valid and not ready else None
        self._cycle += 1
