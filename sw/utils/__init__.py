# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""General helpers: atomic files, locks, verified caches, sealed JSON, executors, logging, progress, signals, source hashes."""
