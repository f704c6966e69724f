# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What an ONNX graph itself tells about the normalisation of its images: what it computes before its first convolution, or quantises.

What it computes is then the model's normalisation. The graph says what it does with its input, but not whether that runs from 0 to 1 or
to 255; the numbers tell: means above 1, or a division by more than 16, are for bytes.
"""

import numpy as np

from firebrick.sw.errors import FirebrickError

from ..filters import Affine, identity
from ..normalisation import TORCH, Normalisation, describe, triple

_CAFFE_BGR = (103.94, 116.78, 123.68)
"""ImageNet's mean in the order B, G, R; no file has it but those for BGR images."""
_SMALLEST_BYTE_STD = 16.0
_RANGES = {1.0: (1.0, 1.0, 1.0), 255.0: (255.0, 255.0, 255.0)}
"""What ``--std`` says with a mean of 0: the input runs from 0 to 255, or to 1."""


def embedded_normalisation(affine: Affine | None, takes_bytes: bool, channels: int, given: Normalisation | None) -> Normalisation | None:
    """The normalisation that a graph computes, in terms of bytes; None where it computes none, and ``given`` or a usual one holds.

    Args:
        affine: what the graph does with its input.
        takes_bytes: the input is of type uint8.
        channels: those of the input.
        given: what the user says; must agree, or be a mean of 0 with a std of 1 or 255 to tell the range of the input.

    Raises FirebrickError where the range of the input is not clear, or the user says something else.
    """
    if affine is None and not takes_bytes:
        return None
    affine = affine or identity(channels)
    if channels not in (1, 3) or not (affine.scale > 0).all():
        raise FirebrickError(
            "the graph normalises its input by a factor that is not positive, or not of 1 or 3 channels; export it without"
        )
    mean, std = -affine.shift / affine.scale, 1 / affine.scale
    said = next((side for side, triple in _RANGES.items() if given and given.std == triple and not any(given.mean)), None)
    if takes_bytes:
        side = 1.0
    elif said is not None:
        side = said
    elif mean.max() > 1 or std.min() >= _SMALLEST_BYTE_STD:
        side = 1.0
    elif mean.min() >= 0 and mean.max() > 0:
        side = 255.0
    else:
        raise FirebrickError(
            "the graph normalises its input, but not so that its range is clear; "
            "say it with --mean 0,0,0 and --std 255,255,255 for 0 to 1, or --std 1,1,1 for 0 to 255"
        )
    means, stds = triple(mean * side), triple(std * side)
    is_bgr = channels == 3 and bool(np.allclose(means, _CAFFE_BGR, atol=1.5))
    if is_bgr:
        means, stds = means[::-1], stds[::-1]
    found = Normalisation(means, stds, is_bgr, TORCH.crop)
    agrees = given is None or (said is not None and (not takes_bytes or said == 1.0)) or _is_same(found, given)
    if not agrees:
        raise FirebrickError(f"the graph normalises its input itself, to {describe(found)}; leave --normalisation, --mean and --std out")
    return found


def quantised_normalisation(input_range: tuple[float, float], usual: Normalisation, given: Normalisation | None) -> Normalisation:
    """The normalisation of a file that quantises its input: ``given`` or else the usual one where the range allows, or none at all.

    Raises FirebrickError where the range contradicts them.
    """
    low, high = input_range
    described = f"the file quantises its input in a range from {low:.4g} to {high:.4g}"
    if given is not None and (low < 0 or not any(given.mean)):
        return given
    if given is not None:
        raise FirebrickError(f"{described}, but {describe(given)} has negative values; give the normalisation of training")
    for side, std in _RANGES.items():
        if low >= 0 and 0.5 <= high * side / 255 <= 1.1:
            return Normalisation((0.0, 0.0, 0.0), std, crop=TORCH.crop)
    ends = np.array([(end - np.array(usual.mean)) / usual.std for end in (0, 255)])
    if low < 0 and 0.4 <= low / ends.min() <= 1.6 and 0.4 <= high / ends.max() <= 1.6:
        return usual
    raise FirebrickError(f"{described}, as no usual normalisation has it; say how training normalised images with --mean and --std")


def _is_same(found: Normalisation, given: Normalisation) -> bool:
    """Whether two normalisations agree, to the digits that people write: 0.485 of 1 stands for 123.675 of 255, and some write 124."""
    return found.bgr == given.bgr and bool(np.allclose([found.mean, found.std], [given.mean, given.std], rtol=0.01, atol=0.5))
