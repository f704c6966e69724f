# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is proven of each component. A module has a tuple ``PROOFS``; ``catalogue.py`` lists the modules."""
