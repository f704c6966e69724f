# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Networks of the SqueezeNet family: stages, shapes, metaparameters."""
