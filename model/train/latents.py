"""The stream of training examples: clips of the world, coded by the trained autoencoder in a loader
process."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from model.autoencoder import PatchAutoencoder
from model.train.recipe import Stage
from model.train.world import Clip, World


@dataclass(frozen=True)
class Example:
    """Latents [C, T, h, w] in bfloat16, the first frame as the vision model sees it, uint8 [s, s, 3], and the
    caption."""

    latents: Tensor
    thumbnail: Tensor
    caption: str


class Coded(IterableDataset):
    """Endless lists of `fresh` coded clips of `latents` latent frames, as `stage` wants them, then a
    quarter of the single scenes that a step of it wants, coded as well."""

    def __init__(
        self, vae: Path, seed: int, stage: Stage, *, fresh: int, latents: int, thumbnail: int
    ) -> None:
        self.vae, self.seed, self.stage = vae, seed, stage
        self.fresh, self.latents, self.thumbnail = fresh, latents, thumbnail

    def __iter__(self) -> Iterator[list[Example]]:
        torch.set_num_threads(1)
        autoencoder = PatchAutoencoder.from_pretrained(self.vae, torch_dtype=torch.bfloat16)
        stage = self.stage
        world = World(
            self.seed, size=stage.size, scenes=stage.scenes, turned=stage.turned, freedom=stage.freedom
        )
        studio = World(self.seed + 1, posed=True)
        frames = 4 * (self.latents - 1) + 1
        while True:
            batch = [world.clip(frames) for _ in range(self.fresh)]
            batch += [studio.scene(1) for _ in range(-(-stage.pictures // 4))]
            yield [self._code(autoencoder, clip) for clip in batch]

    @torch.no_grad()
    def _code(self, autoencoder: PatchAutoencoder, clip: Clip) -> Example:
        video = torch.from_numpy(clip.frames).permute(3, 0, 1, 2)[None].bfloat16() / 127.5 - 1
        side = (self.thumbnail, self.thumbnail)
        small = cv2.resize(clip.frames[0], side, interpolation=cv2.INTER_AREA)
        return Example(autoencoder.encode(video)[0], torch.from_numpy(small), clip.caption)


class Replay:
    """Draws batches from a pool in which a few examples are replaced at every step, so that each is used
    several times.

    Rendering and coding cost about as much as training on a clip on a CPU; noise, context length and sigma
    are drawn anew at every use.
    """

    def __init__(self, stream: Iterator[list[Example]], pool: int, rng: np.random.Generator) -> None:
        self.stream, self.limit, self.rng = stream, pool, rng
        self.clips: list[Example] = []
        self.pictures: list[Example] = []

    def refresh(self) -> None:
        for example in next(self.stream):
            pool = self.clips if example.latents.shape[1] > 1 else self.pictures
            if len(pool) < self.limit:
                pool.append(example)
            else:
                pool[int(self.rng.integers(self.limit))] = example

    def draw(self, pool: list[Example], count: int) -> list[Example]:
        return [pool[int(i)] for i in self.rng.integers(len(pool), size=count)]


def loader(dataset: Coded) -> Iterator[list[Example]]:
    return iter(DataLoader(dataset, batch_size=None, num_workers=1, prefetch_factor=4))
