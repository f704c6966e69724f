# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""General helpers: atomic files, cache folder, executors, logging, progress, signals, source hashes."""
