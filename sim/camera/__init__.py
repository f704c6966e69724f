# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Models of a camera sensor for benches: what its pins do, and its end of the control bus."""
