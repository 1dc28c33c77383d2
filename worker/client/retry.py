"""How often to try, and how long to wait in between. Every request of this client may be sent twice."""

import random
from dataclasses import dataclass

STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter; what the server asks for in Retry-After is waited out."""

    tries: int = 6
    base_seconds: float = 0.5
    cap_seconds: float = 8.0
    patience_seconds: float = 60.0
    """A longer Retry-After is not waited for: the error is the caller's then."""

    def pause(self, tries: int, asked_seconds: float | None = None) -> float | None:
        """Seconds until the next try after `tries` that failed; None: give up."""
        if tries >= self.tries or (asked_seconds or 0.0) > self.patience_seconds:
            return None
        drawn = random.uniform(0.0, min(self.cap_seconds, self.base_seconds * 2 ** (tries - 1)))
        return drawn if asked_seconds is None else asked_seconds + min(drawn, self.base_seconds)
