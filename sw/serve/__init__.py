# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A live view in the browser: one device and one source at a time, shown to any number of browsers."""
