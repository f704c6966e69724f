# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Compares the cost model with Yosys, node by node, and proposes new coefficients (sw/fpga/cost_coefficients.py).

    python scripts/fit_cost_model.py --model digits --lanes 30 60
    python scripts/fit_cost_model.py --model squeezenet1_1_small --device LFE5U-85F      # the engines of a build; takes about an hour

Each node of the plans is synthesised alone for an ECP5; what was synthesised before is kept in the cache folder. The model is nearly
linear in its coefficients, so one linear least-squares step from the present values fits them. Relative errors count, and coefficients
stay near their present values unless the nodes say otherwise. Nothing is written: new coefficients change
plans, so they are a decision.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firebrick.hw.accelerator import Pipeline
from firebrick.hw.build.out_of_context import component_resources
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.compiler.planner import plan_for
from firebrick.sw.fpga.cost_coefficients import FITTED, CostCoefficients
from firebrick.sw.fpga.cost_model import node_resources
from firebrick.sw.fpga.devices import DEVICES
from firebrick.sw.fpga.link_costs import available_beside_link
from firebrick.sw.fpga.node_costs import NodeCosts
from firebrick.sw.fpga.resources import Resources
from firebrick.sw.plan.nodes import Adapter, Node, Plan, walk
from firebrick.sw.zoo import catalogue

RIDGE = 0.05
"""Weight of a coefficient's relative change against the relative error of one node."""


@dataclass(frozen=True)
class Measurement:
    """A node with the adapters in front of it, and what Yosys makes of them."""

    name: str
    nodes: tuple[Node, ...]
    actual: Resources

    def predicted(self, coefficients: CostCoefficients = FITTED) -> Resources:
        """What the cost model expects."""
        costs = NodeCosts(coefficients=coefficients)
        return sum((node_resources(node, costs) for node in walk(self.nodes)), Resources())


def measurements(plan: Plan, cache: Path) -> Iterator[Measurement]:
    """Synthesise the nodes of a plan one by one; a bypass is one node."""
    adapters: list[Node] = []
    for node in plan.nodes:
        if isinstance(node, Adapter):
            adapters.append(node)
            continue
        nodes = (*adapters, node)
        adapters = []
        yield Measurement(node.name, nodes, component_resources(Pipeline(nodes=nodes), cache))


def gradients(measured: Sequence[Measurement]) -> NDArray[np.float64]:
    """LUTs that each node's prediction gains for one unit of each coefficient, by finite differences; shape (nodes, coefficients)."""
    columns = []
    for name, value in asdict(FITTED).items():
        step = max(1, value // 10)
        changed = replace(FITTED, **{name: value + step})
        columns.append([(node.predicted(changed).luts - node.predicted().luts) / step for node in measured])
    return np.array(columns, np.float64).T


def fit(measured: Sequence[Measurement]) -> dict[str, float]:
    """The coefficients that the nodes depend on, fitted to them.

    Minimises the sum of (relative error)**2 over nodes and (RIDGE * relative change)**2 over coefficients.
    """
    slopes = gradients(measured)
    names = [coefficient.name for coefficient in fields(FITTED)]
    used = [index for index in range(len(names)) if slopes[:, index].any()]
    present = np.array([getattr(FITTED, names[index]) for index in used], np.float64)
    actual = np.array([node.actual.luts for node in measured], np.float64)
    errors = np.array([node.actual.luts - node.predicted().luts for node in measured]) / actual
    # Unknowns are relative changes of the coefficients.
    matrix = np.vstack([slopes[:, used] * present / actual[:, None], RIDGE * np.eye(len(used))])
    changes = np.linalg.lstsq(matrix, np.concatenate([errors, np.zeros(len(used))]), rcond=None)[0]
    return {names[index]: float(value) for index, value in zip(used, present * (1 + changes), strict=True)}


def print_nodes(measured: Sequence[Measurement]) -> None:
    """A line for each node: prediction and synthesis."""
    print(f"{'node':20} {'LUTs expected':>13} {'synthesised':>11} {'error':>7}   block RAMs   multipliers")
    for node in measured:
        predicted, actual = node.predicted(), node.actual
        rams = f"{predicted.block_rams} / {actual.block_rams}"
        multipliers = f"{predicted.multipliers} / {actual.multipliers}"
        error = predicted.luts / actual.luts - 1
        print(f"{node.name:20} {predicted.luts:13,} {actual.luts:11,} {error:7.1%}   {rams:>10}   {multipliers:>11}")


def print_coefficients(measured: Sequence[Measurement]) -> None:
    """A line for each coefficient that the nodes depend on: its present value, the fitted one, and its unit."""
    depend = dict(zip((coefficient.name for coefficient in fields(FITTED)), gradients(measured).astype(bool).sum(axis=0), strict=True))
    units = {coefficient.name: coefficient.metadata["unit"] for coefficient in fields(FITTED)}
    print(f"\n{'coefficient':28} {'present':>7} {'fitted':>7} {'nodes':>5}   unit")
    for name, value in fit(measured).items():
        print(f"{name:28} {getattr(FITTED, name):7} {value:7.1f} {depend[name]:5}   {units[name]}")


def main() -> None:
    """Synthesise, compare and fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["digits"], help="names or .fire files")
    parser.add_argument("--lanes", nargs="*", type=int, default=[], help="plans for these numbers of multipliers")
    parser.add_argument("--device", nargs="*", default=[], help="the plans that `firebrick bitstream` makes for these devices")
    parser.add_argument("--cache", type=Path, default=Path("build/cost_model"), help="folder for what was synthesised")
    arguments = parser.parse_args()
    measured: list[Measurement] = []
    for model in map(catalogue.load, arguments.model):
        plans = [compile_model(model, lanes) for lanes in arguments.lanes]
        plans += [plan_for(model, available_beside_link(DEVICES[device.lower()].resources)) for device in arguments.device]
        for plan in plans:
            measured += measurements(plan, arguments.cache.absolute())
    if not measured:
        parser.error("give --lanes or --device")
    print_nodes(measured)
    print_coefficients(measured)


if __name__ == "__main__":
    main()
