# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Streams between components, and what joins them: FIFO, skid buffer, width converters."""
