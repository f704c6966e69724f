# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Budgets of a model: bytes, multiplications, cycles and frames a second on a board; several hold together."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace

from ..compiler.lowering import compile_model
from ..compiler.planner import best_plan, least_plan, usable_resources
from ..fire_format.file import file_size
from ..fpga.cost_model import estimate
from ..fpga.fabric import Fabric
from ..fpga.resources import Resources, total
from ..model.quantized import Model
from ..plan.nodes import Plan

_TOO_LARGE = 1.001
"""Minimum usage of a model whose plan does not fit the board."""


@dataclass(frozen=True)
class BoardTarget:
    """A board that a model is to fit, and how fast it is to be there."""

    name: str
    available: Resources
    """What the link to the host leaves of the FPGA."""
    fabric: Fabric
    clock: float
    """In Hz."""
    fps: float | None = None
    """Minimum frames a second in the engines; None for any."""

    def usage(self, model: Model) -> float:
        """What a model takes: the rate asked for as a fraction of the fastest plan's; without one, the scarcest resource of the least plan.

        Above 1 where no plan fits.
        """
        if self.fps is None:
            return min(self._fraction(least_plan(model, self.available, self.fabric, bits)) for bits in self.fabric.lut_rom_bits)
        plan = best_plan(model, self.available, self.fabric, congestion_penalty=0)
        usage, fraction = self.fps * plan.cycles / self.clock, self._fraction(plan)
        return usage if fraction <= 1 else max(usage, fraction, _TOO_LARGE)

    def _fraction(self, plan: Plan) -> float:
        """The largest fraction of a resource that a plan takes."""
        used: dict[str, int] = asdict(total(estimate(plan, self.fabric)))
        usable: dict[str, int] = asdict(usable_resources(self.available, self.fabric))
        return max(used[kind] / max(1, usable[kind]) for kind in used)

    def __str__(self) -> str:
        return f"board {self.name}" + (f" at {self.fps:g} frames a second" if self.fps else "")


@dataclass(frozen=True)
class Budget:
    """The limits of a model, all of which hold; those that are None do not count, and at least one is given."""

    bytes: int | None = None
    """Maximum size of its `.fire` file."""
    cycles: int | None = None
    """Maximum cycles a frame on a plan with ``lanes`` lanes."""
    lanes: int = 0
    multiplications: int | None = None
    """Maximum multiplications a frame, see `multiplications`."""
    board: BoardTarget | None = None

    def __repr__(self) -> str:
        """The text that is hashed into checkpoints; limits that came later are left out while not given, so that old ones stay valid."""
        old = f"bytes={self.bytes!r}, cycles={self.cycles!r}, lanes={self.lanes!r}"
        new = [f", {name}={value!r}" for name in ("multiplications", "board") if (value := getattr(self, name)) is not None]
        return f"Budget({old}{''.join(new)})"

    @property
    def for_bytes(self) -> "Budget | None":
        """The limit of bytes alone."""
        return Budget(bytes=self.bytes) if self.bytes is not None else None

    @property
    def for_work(self) -> "Budget | None":
        """All other limits: each is met by multiplying less."""
        work = replace(self, bytes=None)
        return work if (work.cycles, work.multiplications, work.board) != (None, None, None) else None

    def scaled(self, fraction: float) -> "Budget":
        """The same with numbers of bytes, cycles and multiplications that are a fraction of these, and frames faster by as much."""
        counts = {one.name: getattr(self, one.name) for one in fields(self) if one.name in ("bytes", "cycles", "multiplications")}
        board = self.board and replace(self.board, fps=self.board.fps and self.board.fps / fraction)
        return replace(self, board=board, **{name: int(fraction * count) for name, count in counts.items() if count})

    def usage(self, model: Model) -> float:
        """What a model takes of the limit that it is nearest to, or most beyond, as a fraction."""
        return max(self._usages(model))

    def _usages(self, model: Model) -> Iterator[float]:
        if self.bytes is not None:
            yield file_size(model) / self.bytes
        if self.multiplications is not None:
            yield multiplications(model) / self.multiplications
        if self.cycles is not None:
            yield compile_model(model, self.lanes).cycles / self.cycles
        if self.board is not None:
            yield self.board.usage(model)

    def __str__(self) -> str:
        limits = [
            f"{self.bytes:,} bytes" if self.bytes is not None else "",
            f"{self.multiplications:,} multiplications a frame" if self.multiplications is not None else "",
            f"{self.cycles:,} cycles a frame with {self.lanes} lanes" if self.cycles is not None else "",
            str(self.board or ""),
        ]
        return " and ".join(limit for limit in limits if limit)


def multiplications(model: Model) -> int:
    """Multiplications a frame: each weight that is not zero is used once at every output position of its layer."""
    positions = {layer.name: layer.output.height * layer.output.width for layer in model.network.layers()}
    return sum(int(layer.filter_nonzero.sum()) * positions[name] for name, layer in model.layers.items())
