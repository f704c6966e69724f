# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What Verilog generation hands to components in place of a board: a place for the contents of their ROMs."""

from collections.abc import Sequence


class RomFiles:
    """Collects ROM contents as files of hexadecimal words, so that the Verilog stays small and quick to read."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def add_rom(self, words: Sequence[int], width: int) -> str:
        """Add a ROM and return the name of its file."""
        name = f"rom{len(self.files)}.hex"
        digits = -(-width // 4)
        self.files[name] = "".join(f"{word:0{digits}x}\n" for word in words)
        return name
