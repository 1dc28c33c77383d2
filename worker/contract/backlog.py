"""What the workers of a model have before them, and by that how long a place in the line will take."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from worker.contract.presence import Estimate


@dataclass(frozen=True)
class Backlog:
    """As it was at one moment. Jobs are told by the windows that are left of them."""

    waiting: Sequence[int]
    """In the line's order."""
    running: Sequence[int]
    window: Estimate | None
    """None: none was measured yet."""
    workers: int
    slice_windows: int
    _sums: dict[int, Sequence[int]] = field(default_factory=dict)

    def eta(self, windows: int, position: int | None) -> Estimate | None:
        """Seconds until a job with so many windows left ends; None where no window was measured.

        Others have their slices meanwhile: as many as this job needs, one less where it goes first.

        Args:
            position: its place in the line, from 1; None: it runs. Jobs that came before it and after this
                was read are taken to be like itself.
        """
        if self.window is None:
            return None
        slices = -(-windows // self.slice_windows)
        most, rest = slices * self.slice_windows, (slices - 1) * self.slice_windows
        if position is None:
            before = self._first(len(self.waiting), rest)
        else:
            ahead = min(position - 1, len(self.waiting))
            unseen = position - 1 - ahead
            before = self._first(ahead, most) + unseen * min(windows, most)
            before += sum(min(left, most) for left in self.running)
            before += self._first(len(self.waiting), rest) - self._first(position, rest)
        return self.window.times(before / max(1, self.workers) + windows)

    def _first(self, jobs: int, most: int) -> int:
        """What the first so many jobs of the line render in turns of at most so many windows each."""
        if most not in self._sums:
            self._sums[most] = list(accumulate((min(left, most) for left in self.waiting), initial=0))
        return self._sums[most][min(jobs, len(self.waiting))]
