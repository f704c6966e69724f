# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The golden model: the network in NumPy, in integers (``golden.run``) and in floats (``golden.floating.run``)."""

from .integer import FeatureMaps as FeatureMaps
from .integer import IntegerOperations as IntegerOperations
from .integer import add as add
from .integer import convolve as convolve
from .integer import global_sum as global_sum
from .integer import max_pool as max_pool
from .integer import run as run
