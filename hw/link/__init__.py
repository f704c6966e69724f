# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The link to the host (docs/protocol.md): packets in, whole frames to the accelerator, and its scores back in packets."""
