# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What calibration pictures tell: the scale of every activation, and the moments of every layer's inputs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..golden import floating
from ..golden.im2col import im2col
from ..model.float_model import FloatModel
from ..model.quantized import ACTIVATION_MAX
from ..network.graph import Bypass, Conv, Fire, Network
from ..utils.progress import Progress

_BATCH = 4
_SAMPLES = 1 << 20
"""Values of a tensor that its scale is chosen from."""
_LARGEST = 1e15
"""What no output reaches, so that sums of its products stay finite."""
_CLIPS = np.arange(24, 129) / 128


def scale_owners(network: Network) -> dict[str, str]:
    """For each tensor, by layer, pool or Fire module, the name of the tensor whose scale it has.

    The halves of a Fire module and both operands of a bypass share one scale, and pooling keeps its input's.
    """
    owners: dict[str, str] = {}
    current = "input"
    for stage in network.stages:
        if isinstance(stage, Conv):
            current = stage.name
        elif isinstance(stage, Fire):
            owners[f"{stage.name}/squeeze1x1"] = f"{stage.name}/squeeze1x1"
            if stage.bypass is not Bypass.SIMPLE:
                current = stage.name
            for part in ("expand1x1", "expand3x3", "bypass1x1"):
                owners[f"{stage.name}/{part}"] = current
        owners[stage.name] = current
    return owners


def activation_scales(model: FloatModel, frames: NDArray[np.uint8], progress: Progress) -> dict[str, float]:
    """The scale of each tensor in ``scale_owners``: what one step of its byte is worth in the float network.

    Chosen to minimise the squared error of rounding and clipping over the frames, bytes of shape (n, channels, rows, columns). Raises
    FirebrickError where an output is too large for floats.
    """
    owners = scale_owners(model.network)
    samples: dict[str, list[NDArray[np.float32]]] = {}
    tops: dict[str, float] = {}

    def tap(name: str, maps: NDArray[np.float32]) -> None:
        owner = owners[name]
        values = maps.reshape(-1)
        if not float(values.max()) < _LARGEST:
            raise FirebrickError(f"layer {name}: its outputs must be less than {_LARGEST:g}; the weights are too large")
        tops[owner] = max(tops.get(owner, 0.0), float(values.max()))
        stride = max(1, len(values) * len(frames) // (len(maps) * _SAMPLES))
        samples.setdefault(owner, []).append(values[::stride].copy())

    for start in range(0, len(frames), _BATCH):
        progress("measuring activations", start, len(frames))
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by `tap`
            floating.run(model, frames[start : start + _BATCH], tap)
    progress("measuring activations", len(frames), len(frames))
    scales = {owner: best_scale(np.concatenate(values), tops[owner]) for owner, values in samples.items()}
    return {name: scales[owner] for name, owner in owners.items() if owner in scales}


def best_scale(samples: NDArray[np.float32], top: float) -> float:
    """The scale at which bytes represent values that are not negative with the least squared error; ``top`` is their greatest.

    Rounded to 10 significant bits, so that the last bits of float sums do not show.
    """
    if top <= 0:
        return 1.0
    values = samples[samples > 0].astype(np.float64)
    errors = []
    for clip in _CLIPS:
        scale = top * clip / ACTIVATION_MAX
        errors.append(float(np.sum((np.clip(np.rint(values / scale), 0, ACTIVATION_MAX) * scale - values) ** 2)))
    scale = top * float(_CLIPS[int(np.argmin(errors))]) / ACTIVATION_MAX
    mantissa, exponent = np.frexp(scale)
    return float(np.ldexp(np.rint(mantissa * 1024) / 1024, exponent))


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of what a layer's filters see, over all positions of all frames; k = channels * kernel^2."""

    mean: NDArray[np.float64]
    """Mean of the integer inputs, shape (k)."""
    float_mean: NDArray[np.float64]
    """Mean of the float network's inputs, shape (k)."""
    covariance: NDArray[np.float64]
    """Of the integer inputs with themselves, shape (k, k)."""
    cross_covariance: NDArray[np.float64]
    """Of the float network's inputs (rows) with the integer ones (columns), shape (k, k)."""


def input_moments(inputs: NDArray[np.uint8], wanted: NDArray[np.float32], conv: Conv) -> Moments:
    """The moments of a layer's inputs, as bytes and as the float network has them, both (frames, channels, rows, columns)."""
    if inputs.shape != wanted.shape:
        raise FirebrickError(f"integer and float inputs must have one shape, not {inputs.shape} and {wanted.shape}")
    size = inputs.shape[1] * conv.kernel**2
    sums, wanted_sums = np.zeros(size), np.zeros(size)
    products, wanted_products = np.zeros((size, size)), np.zeros((size, size))
    count = 0
    for frame in range(len(inputs)):
        seen = im2col(inputs[frame : frame + 1], conv.kernel, conv.stride, conv.padding, np.float64)[0]
        ideal = im2col(wanted[frame : frame + 1], conv.kernel, conv.stride, conv.padding, np.float64)[0]
        sums += seen.sum(axis=1)
        wanted_sums += ideal.sum(axis=1)
        products += seen @ seen.T
        wanted_products += ideal @ seen.T
        count += seen.shape[1]
    mean, wanted_mean = sums / count, wanted_sums / count
    return Moments(
        mean,
        wanted_mean,
        products / count - np.outer(mean, mean),
        wanted_products / count - np.outer(wanted_mean, mean),
    )
