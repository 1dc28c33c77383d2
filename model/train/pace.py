"""The learning rate over a run: a linear warm-up, then constant, then straight down to a fiftieth."""

LOWEST = 0.02


def learning_rate(highest: float, step: int, warmup: int, part: float, fall: float) -> float:
    """At `step`, when `part` (0 to 1) of the run is over; it falls in the last `fall` of it. A plain float:
    optimisers save it in checkpoints."""
    return highest * min(1.0, (step + 1) / warmup) * max(LOWEST, min(1.0, (1 - part) / fall))
