# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A device that needs no computer: frames from a camera and from a host through one accelerator."""
