# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to a plan: workload, engine configurations, partitioning, throughput."""
