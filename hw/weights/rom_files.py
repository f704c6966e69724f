# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Collects the ROM contents of a design for files beside its Verilog. Verilog generation passes it to ``elaborate`` as the platform."""

from collections.abc import Sequence


class RomFiles:
    """ROM contents as files of hexadecimal words, which keeps the Verilog small and fast to parse."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def add_rom(self, words: Sequence[int], width: int) -> str:
        """Add the words of a ROM and return the name of its file."""
        name = f"rom{len(self.files)}.hex"
        digits = -(-width // 4)
        self.files[name] = "".join(f"{word:0{digits}x}\n" for word in words)
        return name
