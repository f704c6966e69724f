# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Weight ROMs, and the decoders that turn their words into weights and positions."""
