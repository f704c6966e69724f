# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tests, in the folders of what they test; ``tests.helpers`` is what several of them share."""
