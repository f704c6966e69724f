# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Reassembly of a camera's picture from its PICTURE packets."""

from ..link.packets import MAX_REPLY_PAYLOAD


class PictureAssembler:
    """The picture of one captured frame. Packet 0 begins it anew; any that is missing, or has a wrong length, ends it.

    Parameters
    ----------
    size: bytes of the picture
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._data = bytearray()
        self._broken = False

    def add(self, number: int, payload: bytes) -> None:
        """Add a packet."""
        if number == 0:
            self._data.clear()
            self._broken = False
        offset = number * MAX_REPLY_PAYLOAD
        expected = min(MAX_REPLY_PAYLOAD, self._size - offset)
        if self._broken or offset != len(self._data) or len(payload) != expected:
            self._broken = True
        else:
            self._data += payload

    @property
    def picture(self) -> bytes | None:
        """The picture; None unless it is whole."""
        return bytes(self._data) if not self._broken and len(self._data) == self._size else None
