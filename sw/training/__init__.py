# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Training with PyTorch: distillation of a compressed model, and supervised training of a float one."""
