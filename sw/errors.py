# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The one exception that a user's mistake raises."""


class FirebrickError(ValueError):
    """Something the user gave is wrong; the message is one sentence naming what, where and what to do.

    The command line prints the message alone and exits with status 1.
    """
