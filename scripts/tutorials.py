# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Run the notebooks in docs/tutorials and write what they print into them.

Usage: python scripts/tutorials.py [--quick] [--check] [NOTEBOOK ...]

Each notebook is run in its folder, from top to bottom, in a fresh kernel. Steps that take minutes look at FIREBRICK_LONG, which --quick
leaves unset. Cells that print something only then, or only where a tool is installed, have the tag `long`. --check writes nothing: it
compares the text that the other cells print with what is stored, word for word; numbers depend on the versions of NumPy and the tools.
"""

import os
import re
import sys
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

FOLDER = Path(__file__).parent.parent / "docs" / "tutorials"
SECONDS = 1800
"""Time limit of a cell."""
NUMBER = re.compile(r"[-\d][\d.,]*")


def run(notebook: NotebookNode, folder: Path, *, quick: bool) -> NotebookNode:
    """A copy of a notebook with the outputs of this run; raises nbclient's CellExecutionError where a cell fails."""
    os.environ["FIREBRICK_LONG"] = "" if quick else "1"
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ["PATH"]]
    )  # `firebrick`, where no environment is active
    clean = nbformat.from_dict(notebook)
    with TemporaryDirectory() as sockets:  # the kernel listens on sockets there, not on ports that others can reach
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        client = NotebookClient(clean, timeout=SECONDS, coalesce_streams=True, config=config, resources={"metadata": {"path": str(folder)}})
        done = client.execute()
    for number, cell in enumerate(done.cells):
        cell["id"] = f"cell-{number}"
        cell.metadata = {"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {}
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                if "text" in output:
                    output["text"] = output["text"].replace("\r\n", "\n")  # of commands
                if "execution_count" in output:
                    output["execution_count"] = None
                if "data" in output:
                    output["metadata"] = {}
                    output["data"].pop("image/jpeg", None)  # Pillow gives each picture twice
    done.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    return done


def printed(notebook: NotebookNode) -> list[str]:
    """The text that the cells print which are not long, in lines, with N for every number."""
    lines: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "long" not in cell.metadata.get("tags", []):
            texts = [output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            lines += NUMBER.sub("N", "".join(texts)).splitlines()
    return [" ".join(line.split()) for line in lines]


def main(arguments: list[str]) -> int:
    """Run the notebooks named, or all; the exit status."""
    quick, check = "--quick" in arguments, "--check" in arguments
    paths = [Path(argument) for argument in arguments if not argument.startswith("--")] or sorted(FOLDER.glob("*.ipynb"))
    status = 0
    for path in paths:
        stored = nbformat.read(path, as_version=4)
        done = run(stored, path.parent, quick=quick)
        if not check:
            nbformat.write(done, path)
        elif difference := list(unified_diff(printed(stored), printed(done), "stored", "printed", lineterm="", n=1)):
            print(f"{path.name} prints something else than it has stored:", *difference, sep="\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
