# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zeros with which the first convolution pads its input become a border of images.

A float network pads behind the subtraction of the mean, so its zeros stand for pixels of the mean colour; hardware, which folds the mean
into the bias, pads with bytes of 0. Where the mean is 0, both are the same.
"""

from dataclasses import replace

import numpy as np

from ..network.graph import Conv
from .float_model import FloatModel
from .quantized import ACTIVATION_MAX

_EXACT = 1e-6
"""Levels out of 255 that a mean may be beside a byte without a word: those to which normalisations are rounded."""


def padding_as_border(model: FloatModel) -> FloatModel:
    """The same network, whose first convolution has no padding unless the mean is 0, for images with a border.

    The float network's scores stay as they are. An integer network has the mean rounded to bytes in the border; what that changes at most
    is added to the metadata.
    """
    network, preprocessing = model.network, model.preprocessing
    first, *others = network.stages
    if isinstance(first, Conv) and first.padding and any(preprocessing.means(network.input.channels)):
        image = preprocessing.image_shape(network.input)
        top, left, bottom, right = (side + first.padding for side in preprocessing.border)
        preprocessing = replace(preprocessing, border=(top, left, bottom, right))
        network = replace(network, input=preprocessing.frame_shape(image), stages=(replace(first, padding=0), *others))
        model = replace(model, network=network, preprocessing=preprocessing)
    note = _rounding(model)
    changed = model.metadata.get("changed", "")
    if not note or note in changed:
        return model
    return replace(model, metadata={**model.metadata, "changed": f"{changed}; {note}" if changed else note})


def _rounding(model: FloatModel) -> str:
    """What rounding the border's colour changes, in words; empty where it changes nothing."""
    preprocessing, name, channels = model.preprocessing, model.network.stages[0].name, model.network.input.channels
    colour = preprocessing.border_colour(channels)
    differences = np.array(colour, np.float64) - preprocessing.means(channels)
    levels = float(np.abs(differences).max())
    if not preprocessing.has_border or levels <= _EXACT:
        return ""
    # Those taps of a filter whose pixels are in the border, at any position, are some of all its taps.
    sums = np.abs(np.einsum("fcyx,c->fyx", model.weights[name].astype(np.float64), differences)).sum(axis=(1, 2))
    return (
        f"{name}'s padding is a border of images, of colour {colour}; its zeros stand for the mean, which is up to {levels:.2g} of "
        f"{ACTIVATION_MAX} beside that, so sums of {name} change by up to {sums.max():.2g}"
    )
