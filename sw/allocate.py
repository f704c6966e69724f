# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which layer gets how many lanes: a simple allocator for a given number of multipliers."""

from dataclasses import dataclass

from .errors import FirebrickError
from .model import Model
from .network import Conv, Fire, GlobalAverage, MaxPool, Network, Shape

SPLITS_MAX = 8
"""Most engines that one layer is split over."""


@dataclass(frozen=True)
class Share:
    """What one engine gets."""

    lanes: int
    """Pixels that each of its parts multiplies at a time (P)."""
    splits: int = 1
    """Parts that its filters are dealt to (S)."""


@dataclass(frozen=True)
class Demand:
    """What one engine has to do, before it is decided with how many lanes."""

    name: str
    layers: tuple[str, ...]
    squeeze: bool
    capacity: int
    """Columns of its output, rounded up so that strips halve exactly with each pooling."""
    work: int
    """Non-zero weights times output rows."""
    splits: int
    """Most parts its filters can be dealt to."""
    lanes_divide: int
    """Number that its lanes must divide: the capacity, or half of it before pooling."""

    def cycles(self, share: Share) -> float:
        """Cycles a frame, as estimated from the non-zero weights."""
        return self.work * (self.capacity // share.lanes) / share.splits


def demands(model: Model) -> tuple[Demand, ...]:
    """The engines of a model in order, named after their stages (``fire2/squeeze``, ``fire2/expand``)."""
    network = model.network
    found = []
    shapes = network.shapes()[1:]
    capacities = column_capacities(network)
    for index, (stage, shape) in enumerate(zip(network.stages, shapes, strict=True)):
        follower = network.stages[index + 1] if index + 1 < len(network.stages) else None
        capacity = capacities[index]
        pooled = isinstance(follower, MaxPool)
        match stage:
            case Conv(name=name):
                found.append(_demand(model, name, (name,), shape, capacity, pooled=pooled, squeeze=False))
            case Fire(name=name):
                parts = tuple(layer for layer in model.layers if layer.startswith(f"{name}/expand"))
                found.append(_demand(model, f"{name}/squeeze", (f"{name}/squeeze1x1",), shape, capacity, pooled=False, squeeze=True))
                found.append(_demand(model, f"{name}/expand", parts, shape, capacity, pooled=pooled, squeeze=False))
    return tuple(found)


def column_capacities(network: Network) -> tuple[int, ...]:
    """For each stage, its output columns rounded up so that the capacity halves (or divides by the stride) exactly at each step down."""
    factors, scale = [], 1
    for index, stage in enumerate(network.stages):
        if isinstance(stage, MaxPool):
            scale *= 2
        elif isinstance(stage, Conv) and index:
            scale *= stage.stride
        factors.append(scale)
    widths = [shape.width for stage, shape in zip(network.stages, network.shapes()[1:], strict=True) if not isinstance(stage, GlobalAverage)]
    last = max(-(-width * factor // scale) for width, factor in zip(widths, factors, strict=False))
    return tuple(last * scale // factor for factor in factors)


def allocate(model: Model, lanes: int) -> dict[str, Share]:
    """Shares, by engine name, that need the least cycles per frame with at most ``lanes`` multipliers in all.

    Every engine meets the same number of cycles with the fewest lanes that do; the smallest such number that the lanes allow is
    taken. Raises FirebrickError when there are fewer lanes than engines.
    """
    wanted = demands(model)
    if lanes < len(wanted):
        raise FirebrickError(f"lanes must be at least {len(wanted)}, one an engine of {model.network.name}, not {lanes}")
    options = {demand.name: _options(demand) for demand in wanted}
    targets = sorted({demand.cycles(share) for demand in wanted for share in options[demand.name]})
    low, high = 0, len(targets) - 1
    best = _meet(wanted, options, targets[high], lanes)
    while low <= high:
        middle = (low + high) // 2
        shares = _meet(wanted, options, targets[middle], lanes)
        if shares is None:
            low = middle + 1
        else:
            best, high = shares, middle - 1
    if best is None:
        raise FirebrickError(f"{lanes} lanes do not suffice for {model.network.name}; give more")
    return best


def _demand(model: Model, name: str, layers: tuple[str, ...], shape: Shape, capacity: int, *, pooled: bool, squeeze: bool) -> Demand:
    parts = [model.layers[layer] for layer in layers]
    return Demand(
        name=name,
        layers=layers,
        squeeze=squeeze,
        capacity=capacity,
        work=max(1, sum(part.nonzero for part in parts)) * shape.height,
        splits=min(SPLITS_MAX, max(len(part.bias) for part in parts)),
        lanes_divide=capacity // 2 if pooled else capacity,
    )


def _options(demand: Demand) -> list[Share]:
    """Every share, fewest lanes first. Lane counts form a chain in which each divides the next, so any two neighbours fit together."""
    chain, rest = [1], demand.lanes_divide
    for factor in range(rest, 1, -1):
        if all(factor % divisor for divisor in range(2, factor)):
            while rest % factor == 0:
                rest //= factor
                chain.append(chain[-1] * factor)
    shares = [Share(lanes, splits) for lanes in chain for splits in range(1, demand.splits + 1)]
    return sorted(shares, key=lambda share: (share.lanes * share.splits, share.splits))


def _meet(wanted: tuple[Demand, ...], options: dict[str, list[Share]], target: float, lanes: int) -> dict[str, Share] | None:
    """The fewest lanes with which every engine meets the target, or None; a squeeze engine's words are no wider than its source's."""
    shares: dict[str, Share] = {}
    source = 1
    for demand in wanted:
        fit = [share for share in options[demand.name] if demand.cycles(share) <= target and not (demand.squeeze and share.lanes > source)]
        if not fit:
            return None
        shares[demand.name] = fit[0]
        source = fit[0].lanes
    return shares if sum(share.lanes * share.splits for share in shares.values()) <= lanes else None
