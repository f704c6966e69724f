# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Shares what the server has among source addresses, so that none can use up all of it."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import FirebrickError

IPV6_PREFIX = 64
"""Bits of an IPv6 address that name its network: a single machine has all addresses of one."""

Peer = tuple[str, int] | None
"""Address and port at the other end of a connection, None if unknown; behind a proxy those of which the proxy tells."""


class BusyError(FirebrickError):
    """Too much is going on already; later it may be possible."""


class SourceLimits:
    """Counts what is in use, and refuses what would be too much in all or of one source.

    Args:
        total: the most that may be in use at a time.
        per_source: the most that one source may use at a time.
        what: what is counted, as in "3 of WHAT are open".
    """

    def __init__(self, total: int, per_source: int, what: str) -> None:
        self._total, self._per_source, self._what = total, per_source, what
        self._used: Counter[str] = Counter()

    @contextmanager
    def take(self, peer: Peer) -> Iterator[None]:
        """Count one more within the context. Raises BusyError if that is too much."""
        source = source_of(peer)
        if self._used[source] >= self._per_source:
            raise BusyError(f"your address has {self._per_source} {self._what} already; close one, or try again later")
        if self._used.total() >= self._total:
            raise BusyError(f"the server has {self._total} {self._what} already; try again later")
        self._used[source] += 1
        try:
            yield
        finally:
            self._used[source] -= 1
            if not self._used[source]:
                del self._used[source]  # else the table would grow with every address ever seen


def source_of(peer: Peer) -> str:
    """Whom a connection belongs to: an IPv4 address, or the network of an IPv6 address."""
    name = peer[0] if peer else ""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))
