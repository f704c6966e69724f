# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The models that ship with Firebrick. Importing this package needs no NumPy, so that `firebrick --help` stays quick."""

from .catalogue import DEFAULT as DEFAULT
from .catalogue import load as load
from .catalogue import names as names
