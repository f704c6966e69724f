# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tests, in the folders of what they test; ``tests.helpers`` is what several of them share."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy: threads that wait for small matrices take the time of other test processes
