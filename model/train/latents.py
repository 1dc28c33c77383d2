"""The stream of training examples: clips of the world, rendered in loader processes, coded by the trained
autoencoder where the training runs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from model.autoencoder import PatchAutoencoder
from model.train.recipe import Stage
from model.train.world import Clip, World

CANVASES = 48  # of all loaders together; a loader has a few at least


@dataclass(frozen=True)
class Shots:
    """Clips side by side: frames uint8 [B, N, s, s, 3], their first frames as the vision model sees them,
    uint8 [B, t, t, 3], and captions."""

    frames: Tensor
    thumbnails: Tensor
    captions: list[str]


@dataclass(frozen=True)
class Example:
    """Latents [C, T, h, w] in bfloat16, where the training runs, the first frame as the vision model sees it,
    uint8 [t, t, 3], and the caption."""

    latents: Tensor
    thumbnail: Tensor
    caption: str


class Filmed(IterableDataset):
    """Endless lists of shots, as `stage` wants them: `fresh` clips of `frames` frames, and, if it wants any,
    an eighth of the single scenes that a step of it sees."""

    def __init__(self, seed: int, stage: Stage, *, fresh: int, frames: int, thumbnail: int) -> None:
        self.seed, self.stage = seed, stage
        self.fresh, self.frames, self.thumbnail = fresh, frames, thumbnail

    def __iter__(self) -> Iterator[list[Shots]]:
        torch.set_num_threads(1)
        stage, (number, canvases) = self.stage, own_share()
        world = World(
            (self.seed, number, 0),
            canvases=canvases,
            size=stage.size,
            scenes=stage.scenes,
            turned=stage.turned,
            freedom=stage.freedom,
            grown=stage.grown,
        )
        studio = World((self.seed, number, 1), posed=True)
        while True:
            shots = [self._side_by_side([world.clip(self.frames) for _ in range(self.fresh)])]
            if stage.pictures:
                shots.append(self._side_by_side([studio.scene(1) for _ in range(-(-stage.pictures // 8))]))
            yield shots

    def _side_by_side(self, clips: list[Clip]) -> Shots:
        side = (self.thumbnail, self.thumbnail)
        seen = [cv2.resize(clip.frames[0], side, interpolation=cv2.INTER_AREA) for clip in clips]
        return Shots(
            torch.from_numpy(np.stack([clip.frames for clip in clips])),
            torch.from_numpy(np.stack(seen)),
            [clip.caption for clip in clips],
        )


def carried(tensor: Tensor, device: torch.device) -> Tensor:
    """On `device`, without waiting for it."""
    if device.type == "cuda" and not tensor.is_cuda:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Coder:
    """The trained autoencoder, on the device of the training."""

    def __init__(self, vae: Path, device: torch.device) -> None:
        self.device = device
        stored = PatchAutoencoder.from_pretrained(vae, torch_dtype=torch.bfloat16)
        self.autoencoder = stored.to(device, memory_format=torch.channels_last)

    @torch.no_grad()
    def coded(self, shots: Shots) -> list[Example]:
        video = carried(shots.frames, self.device).permute(0, 4, 1, 2, 3).bfloat16() / 127.5 - 1
        latents = self.autoencoder.encode(video)
        # Apart, so that none keeps the others in memory.
        kept = [one.clone() for one in latents]
        return [Example(*parts) for parts in zip(kept, shots.thumbnails, shots.captions, strict=True)]


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


def own_share() -> tuple[int, int]:
    """In a loader: its number and how many canvases it keeps."""
    info = get_worker_info()
    return (info.id, max(8, CANVASES // info.num_workers)) if info else (0, CANVASES)


def loaders(device: torch.device) -> int:
    """How many processes render: one beside a training on the CPU; beside a GPU all cores but a few, which
    launch its kernels."""
    return 1 if device.type == "cpu" else max(1, (os.cpu_count() or 2) - 3)


def stream(dataset: IterableDataset, workers: int) -> Iterator:
    """What `workers` copies of `dataset` give, in turn."""
    cv2.setNumThreads(1)  # before they are forked: they would wait for threads that only this process has
    return iter(DataLoader(dataset, batch_size=None, num_workers=workers, prefetch_factor=4))
