# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The commands of `firebrick`, one module each; the only part of sw that may import hw and sim."""
