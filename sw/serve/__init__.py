# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A live view in the browser: one device, one source at a time, seen by any number of viewers."""
