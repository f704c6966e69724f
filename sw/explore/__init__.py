# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What each choice of the design space costs on a chip: points are measured, kept, drawn and tabulated."""
