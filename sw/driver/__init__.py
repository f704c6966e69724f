# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The host driver: one interface for the golden model, the virtual board and real boards."""
