# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The exception for user errors."""


class FirebrickError(ValueError):
    """An input from the user is wrong. The message is one sentence: what is wrong, where, and what to do.

    The command line prints the message alone and exits with status 1.
    """
