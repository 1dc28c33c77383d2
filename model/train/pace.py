"""The learning rate over a run: a linear warm-up, then half a cosine down to a fiftieth."""

import math

LOWEST = 0.02


def learning_rate(highest: float, step: int, warmup: int, part: float) -> float:
    """At `step`, when `part` (0 to 1) of the run is over. A plain float: optimisers save it in
    checkpoints."""
    return highest * min(1.0, (step + 1) / warmup) * max(LOWEST, 0.5 * (1 + math.cos(math.pi * part)))
