"""A guard under which nothing reaches for the network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

__all__ = ["NetworkReachedError", "no_network"]


class NetworkReachedError(AssertionError):
    """Something tried to reach the network."""


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Refuses connections and look-ups of names in this process, and lists what was tried.

    The list tells also of attempts whose refusal was caught and passed over. Sockets of the file system stay
    allowed.
    """
    tried: list[str] = []

    def refuse(target: object) -> None:
        tried.append(str(target))
        raise NetworkReachedError(f"the network was reached for: {target}; components work without one")

    def guarded(name: str) -> Callable[..., Any]:  # as the methods that it stands for
        method = getattr(socket.socket, name)

        def call(self: socket.socket, *arguments: Any) -> Any:
            if self.family != getattr(socket, "AF_UNIX", None):
                refuse(arguments[-1])
            return method(self, *arguments)

        return call

    with ExitStack() as patches:
        for name in ("connect", "connect_ex", "sendto"):
            patches.enter_context(mock.patch.object(socket.socket, name, guarded(name)))
        looked_up = mock.patch.object(socket, "getaddrinfo", lambda host, *arguments, **named: refuse(host))
        patches.enter_context(looked_up)
        yield tried
