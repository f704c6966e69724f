# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Models: a network with its weights, as floats and as integers."""

from .float_model import FloatModel as FloatModel
from .quantized import Model as Model
from .quantized import Preprocessing as Preprocessing
from .quantized import QuantizedLayer as QuantizedLayer
