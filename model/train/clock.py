"""How long a training has run."""

import time


class Clock:
    """Minutes of training over all runs of one checkpoint."""

    def __init__(self) -> None:
        self.before, self.since = 0.0, time.monotonic()

    def begin(self) -> None:
        self.since = time.monotonic()

    def minutes(self) -> float:
        return self.before + (time.monotonic() - self.since) / 60

    def part(self, steps: float, minutes: float | None) -> float:
        """The share of the training that is over: of its `steps`, or of its `minutes` if that is more."""
        return steps if minutes is None else max(steps, self.minutes() / minutes)

    def state_dict(self) -> dict[str, float]:
        return {"minutes": self.minutes()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        self.before = state["minutes"]
