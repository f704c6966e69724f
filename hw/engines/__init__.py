# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The engines of the pipeline: convolution, squeeze, pooling, global sum, bypass."""
