# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Accuracy of models, their fidelity to the float network, and comparisons of compression methods."""
