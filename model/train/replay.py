"""Examples that are used several times."""

from collections.abc import Iterator

import numpy as np

from model.train.coder import Coder, Example
from model.train.filmed import Shots


class Replay:
    """Draws batches from a pool in which a few examples are replaced at every step, so that each is used
    several times.

    Rendering and coding cost about as much as training on a clip on a CPU; noise, context length and sigma
    are drawn anew at every use.
    """

    def __init__(
        self, filmed: Iterator[list[Shots]], coder: Coder, pool: int, rng: np.random.Generator
    ) -> None:
        self.filmed, self.coder, self.limit, self.rng = filmed, coder, pool, rng
        self.clips: list[Example] = []
        self.pictures: list[Example] = []

    def refresh(self) -> None:
        for example in (example for shots in next(self.filmed) for example in self.coder.coded(shots)):
            pool = self.clips if example.latents.shape[1] > 1 else self.pictures
            if len(pool) < self.limit:
                pool.append(example)
            else:
                pool[int(self.rng.integers(self.limit))] = example

    def draw(self, pool: list[Example], count: int) -> list[Example]:
        return [pool[int(i)] for i in self.rng.integers(len(pool), size=count)]
