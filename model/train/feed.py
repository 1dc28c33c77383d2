"""What each step of a training sees: batches of clips and of pictures, as the stage that it is in wants
them."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from model.conditioning import Conditioner
from model.train.batch import Batch, collate
from model.train.latents import Coded, Replay, loader
from model.train.mini import THUMBNAIL
from model.train.recipe import Data, Stage


class Feed:
    """Examples from a loader process of their own, each used several times.

    Args:
        vae: folder of the autoencoder.
        latents: latent frames of a clip.
        dropout: the share of captions left empty, for guidance.
    """

    def __init__(
        self, data: Data, vae: Path, conditioner: Conditioner, *, latents: int, dropout: float, seed: int
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self._data, self._vae, self._conditioner = data, vae, conditioner
        self._latents, self._dropout, self._seed = latents, dropout, seed
        self._stage: Stage | None = None
        self._replay: Replay

    def stage(self, part: float, step: int) -> Stage:
        """The stage when `part` (0 to 1) of the training is over; a new one starts a loader. Takes in what is
        new."""
        data = self._data
        stage = next(stage for stage in data.stages if part < stage.until)
        if stage is not self._stage:
            self._stage = stage
            coded = Coded(
                self._vae,
                self._seed + step,
                stage,
                fresh=data.fresh,
                latents=self._latents,
                thumbnail=THUMBNAIL,
            )
            self._replay = Replay(loader(coded), data.pool, self.rng)
            for _ in tqdm(range(data.first // data.fresh), desc="first clips", leave=False):
                self._replay.refresh()
        self._replay.refresh()
        return stage

    def clips(self, count: int, new: int) -> Batch:
        """`count` clips of `new` latent frames after the given ones, as many of them as `Data.contexts` says;
        where none is given the first frame is to be made as well."""
        context = int(self.rng.choice(self._data.contexts))
        examples = self._replay.draw(self._replay.clips, count)
        latents = max(context, 1) + new
        return collate(examples, context, latents, self._conditioner, self._dropout, self.rng)

    def pictures(self, count: int) -> Batch:
        examples = self._replay.draw(self._replay.pictures, count)
        return collate(examples, 0, 1, self._conditioner, self._dropout, self.rng)
