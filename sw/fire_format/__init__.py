# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The `.fire` file format: a whole compressed model in one file."""

from .file import read_fire as read_fire
from .file import write_fire as write_fire
