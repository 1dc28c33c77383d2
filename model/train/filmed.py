"""The stream of clips, as the world films them: rendered in loader processes, not yet coded."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from model.train.loaders import own_share
from model.train.recipe import Stage
from model.train.world import Clip, World


@dataclass(frozen=True)
class Shots:
    """Clips side by side: frames uint8 [B, N, s, s, 3], their first frames as the vision model sees them,
    uint8 [B, t, t, 3], captions, and which of them begin midway (world.Clip)."""

    frames: Tensor
    thumbnails: Tensor
    captions: list[str]
    midway: list[bool]


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
            grown=stage.grown,
            moving=stage.moving,
            things=stage.things,
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
            [clip.midway for clip in clips],
        )
