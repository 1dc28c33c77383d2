"""What a request needs of the outside, as values.

A `Flow` is a generator that yields steps and is told their results, so that what the client does is written
once and knows neither threads nor an event loop. worker.client.sync and worker.client.aio carry steps out.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """Send a request. Result: the response, or the TransportError, raised.

    The body was read, unless `stream` is set and the answer is no error.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    files: Mapping[str, tuple[str, bytes]] | None = None
    data: Mapping[str, str] | None = None
    stream: bool = False
    read_seconds: float | None = None
    """How long no byte may come; None: as the client's timeout says."""


@dataclass(frozen=True)
class Read:
    """Result: the next bytes of the last streamed response, b"" at its end; or the TransportError, raised."""


@dataclass(frozen=True)
class Sleep:
    seconds: float


@dataclass(frozen=True)
class Give(Generic[T]):
    """Hand a value to the caller."""

    value: T


Flow: TypeAlias = Generator[Send | Read | Sleep | Give[T], Any, None]
Part: TypeAlias = Generator[Send | Read | Sleep, Any, T]
"""Of a flow: gives the caller nothing, returns T to the flow."""
