# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Networks of the SqueezeNet family: stages, shapes and metaparameters."""

from .graph import Bypass as Bypass
from .graph import Conv as Conv
from .graph import Fire as Fire
from .graph import GlobalAverage as GlobalAverage
from .graph import Layer as Layer
from .graph import MaxPool as MaxPool
from .graph import Network as Network
from .graph import Shape as Shape
from .graph import Stage as Stage
from .metaparameters import Metaparameters as Metaparameters
from .presets import squeezenet1_0 as squeezenet1_0
from .presets import squeezenet1_1 as squeezenet1_1
