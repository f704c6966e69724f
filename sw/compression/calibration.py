# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the calibration images determine: scale and zero point of activations, and the moments of every layer's inputs."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..golden import floating
from ..golden.im2col import im2col
from ..model.float_model import FloatModel
from ..model.quantized import ACTIVATION_MAX
from ..network.graph import Bypass, Conv, Fire, LinearConv, Network
from ..utils.progress import Progress

_BATCH = 4
_SAMPLES = 1 << 20
"""Values of a tensor, over all frames, that its scale is chosen from."""
_RANGE_SAMPLES = 1 << 16
"""Values that a range with negative values is chosen from, of _SAMPLES."""
_OUTPUT_MAX = 1e15
"""Outputs must stay below this, so that sums of their products stay finite."""
_CLIP_FRACTIONS = np.arange(24, 129) / 128
"""Candidates for the clipping level, as fractions of the maximum. Activations have long tails, so the best level is often well below
it."""
_RANGE_FRACTIONS = np.arange(32, 129, 8) / 128
"""Candidates for both ends of a range with negative values."""
_MANTISSA_STEPS = 1 << 10
"""Scales are rounded to 10 significant bits, so that they do not depend on the last bits of float sums."""


def scale_owners(network: Network) -> dict[str, str]:
    """For each tensor, by layer, pool or Fire module, the name of the tensor whose scale it shares.

    The halves of a Fire module and both operands of a bypass have one scale, and pooling keeps its input's.
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


def activation_scales(model: FloatModel, frames: NDArray[np.uint8], progress: Progress) -> tuple[dict[str, float], int]:
    """The scale of each tensor in ``scale_owners``, the real value of one step of its byte; and the zero point of scores.

    Chosen to minimise the squared error of rounding and clipping over the frames, bytes of shape (n, channels, rows, columns). Raises
    FirebrickError where an output is too large for floats.
    """
    owners = scale_owners(model.network)
    samples: dict[str, list[NDArray[np.float32]]] = {}
    maxima: dict[str, float] = {}
    minima: dict[str, float] = {}

    def tap(name: str, maps: NDArray[np.float32]) -> None:
        owner = owners[name]
        values = maps.reshape(-1)
        maximum, minimum = float(values.max()), float(values.min())
        if not max(maximum, -minimum) < _OUTPUT_MAX:  # false for NaN, too
            raise FirebrickError(f"layer {name}: its outputs must be less than {_OUTPUT_MAX:g}; the weights are too large")
        maxima[owner] = max(maxima.get(owner, 0.0), maximum)
        minima[owner] = min(minima.get(owner, 0.0), minimum)
        stride = max(1, len(values) * len(frames) // (len(maps) * _SAMPLES))
        samples.setdefault(owner, []).append(values[::stride].copy())

    for start in range(0, len(frames), _BATCH):
        progress("measuring activations", start, len(frames))
        with np.errstate(over="ignore", invalid="ignore"):  # `tap` refuses what is not finite
            floating.run(model, frames[start : start + _BATCH], tap)
    progress("measuring activations", len(frames), len(frames))
    signed = {stage.name for stage in model.network.stages if isinstance(stage, LinearConv)}
    scales = {owner: best_scale(np.concatenate(values), maxima[owner]) for owner, values in samples.items() if owner not in signed}
    zero_point = 0
    for owner in signed:
        scales[owner], zero_point = best_range(np.concatenate(samples[owner]), minima[owner], maxima[owner])
    return {name: scales[owner] for name, owner in owners.items() if owner in scales}, zero_point


def best_scale(samples: NDArray[np.float32], maximum: float) -> float:
    """The scale s that minimises the sum of (s * clip(round(x / s), 0, 255) - x)^2 over samples x, none of them negative.

    ``maximum`` is that of the tensor, of which the samples may be a part.
    """
    if maximum <= 0:
        return 1.0
    values = samples[samples > 0].astype(np.float64)
    errors = []
    for fraction in _CLIP_FRACTIONS:
        scale = maximum * fraction / ACTIVATION_MAX
        errors.append(float(np.sum((np.clip(np.rint(values / scale), 0, ACTIVATION_MAX) * scale - values) ** 2)))
    return _rounded(maximum * float(_CLIP_FRACTIONS[int(np.argmin(errors))]) / ACTIVATION_MAX)


def best_range(samples: NDArray[np.float32], minimum: float, maximum: float) -> tuple[float, int]:
    """The scale s and zero point z, 0 to 255, that minimise the sum of (s * (clip(round(x / s) + z, 0, 255) - z) - x)^2 over samples x.

    ``minimum``, at most 0, and ``maximum``, at least 0, are those of the tensor, of which the samples may be a part.
    """
    if minimum >= maximum:
        return 1.0, 0
    values = samples[:: -(-len(samples) // _RANGE_SAMPLES)].astype(np.float64)
    candidates = []
    for low, high in product(minimum * _RANGE_FRACTIONS, maximum * _RANGE_FRACTIONS):
        scale = _rounded(float(high - low) / ACTIVATION_MAX)
        zero_point = int(np.clip(np.rint(-low / scale), 0, ACTIVATION_MAX))
        steps = np.clip(np.rint(values / scale), -zero_point, ACTIVATION_MAX - zero_point)
        candidates.append((float(np.sum((steps * scale - values) ** 2)), scale, zero_point))
    _, scale, zero_point = min(candidates)
    return scale, zero_point


def _rounded(scale: float) -> float:
    mantissa, exponent = np.frexp(scale)
    return float(np.ldexp(np.rint(mantissa * _MANTISSA_STEPS) / _MANTISSA_STEPS, exponent))


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of the inputs of a layer's filters, over all positions of all frames; k = channels * kernel^2.

    With q the quantised and x the float inputs of one output position: E[q], E[x], Cov[q, q] and Cov[x, q].
    """

    mean: NDArray[np.float64]
    """Mean of the integer inputs, shape (k)."""
    float_mean: NDArray[np.float64]
    """Mean of the float network's inputs, shape (k)."""
    covariance: NDArray[np.float64]
    """Covariance of the integer inputs, shape (k, k)."""
    cross_covariance: NDArray[np.float64]
    """Covariance of the float network's inputs (rows) with the integer inputs (columns), shape (k, k)."""


def input_moments(inputs: NDArray[np.uint8], float_inputs: NDArray[np.float32], conv: Conv) -> Moments:
    """The moments of a layer's inputs, given as bytes and as the float network has them, both (frames, channels, rows, columns).

    Raises FirebrickError unless both have one shape.
    """
    if inputs.shape != float_inputs.shape:
        raise FirebrickError(f"integer and float inputs must have one shape, not {inputs.shape} and {float_inputs.shape}")
    size = inputs.shape[1] * conv.kernel**2
    sums, float_sums = np.zeros(size), np.zeros(size)
    products, cross_products = np.zeros((size, size)), np.zeros((size, size))
    count = 0
    for frame in range(len(inputs)):  # one frame at a time: the matrices of im2col are large
        columns = im2col(inputs[frame : frame + 1], conv.kernel, conv.stride, conv.padding, np.float64)[0]
        float_columns = im2col(float_inputs[frame : frame + 1], conv.kernel, conv.stride, conv.padding, np.float64)[0]
        sums += columns.sum(axis=1)
        float_sums += float_columns.sum(axis=1)
        products += columns @ columns.T
        cross_products += float_columns @ columns.T
        count += columns.shape[1]
    mean, float_mean = sums / count, float_sums / count
    return Moments(
        mean,
        float_mean,
        products / count - np.outer(mean, mean),
        cross_products / count - np.outer(float_mean, mean),
    )
