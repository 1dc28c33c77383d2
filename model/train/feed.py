"""What each step of a training sees: batches of clips and of pictures, as the stage that it is in wants
them."""

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from model.conditioning import Conditioner
from model.train.batch import Batch, collate
from model.train.coder import Coder, Example
from model.train.filmed import Filmed
from model.train.loaders import loaders, stream
from model.train.mini import THUMBNAIL
from model.train.recipe import Data, Stage
from model.train.replay import Replay


class Feed:
    """Examples that loader processes render, each used several times.

    Args:
        vae: folder of the autoencoder.
        new: latent frames of a clip after its context.
        dropout: the share of captions left empty, for guidance.
        device: where examples are coded, kept and handed out.
    """

    def __init__(
        self,
        data: Data,
        vae: Path,
        conditioner: Conditioner,
        *,
        new: int,
        dropout: float,
        seed: int,
        device: torch.device,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self._data, self._conditioner = data, conditioner
        self._new, self._dropout, self._seed = new, dropout, seed
        self._coder, self._loaders = Coder(vae, device), loaders(device)
        self._stage: Stage | None = None
        self._replay: Replay

    def stage(self, part: float, step: int) -> Stage:
        """The stage when `part` (0 to 1) of the training is over; a new one starts a loader. Takes in what is
        new."""
        data = self._data
        stage = next(stage for stage in data.stages if part < stage.until)
        if stage is not self._stage:
            self._stage = stage
            latents = max(1, *data.contexts) + self._new
            filmed = Filmed(
                self._seed + step,
                stage,
                fresh=data.fresh,
                frames=4 * (latents - 1) + 1,
                thumbnail=THUMBNAIL,
            )
            self._replay = Replay(stream(filmed, self._loaders), self._coder, data.pool, self.rng)
            for _ in tqdm(range(data.first // data.fresh), desc="first clips", leave=False):
                self._replay.refresh()
        self._replay.refresh()
        return stage

    def clips(self, count: int) -> Batch:
        """`count` clips that go on from as many latent frames as `Data.contexts` says; where none is given
        the first frame is to be made as well. A cycle in its midst goes on from two or more, if there is
        any other clip."""
        context = int(self.rng.choice(self._data.contexts))
        clips = self._replay.clips
        foretold = [one for one in clips if context > 1 or not one.midway] or clips
        examples = self._replay.draw(foretold, count)
        latents = max(context, 1) + self._new
        return self._collated(examples, context, latents)

    def pictures(self, count: int) -> Batch:
        examples = self._replay.draw(self._replay.pictures, count)
        return self._collated(examples, 0, 1)

    def _collated(self, examples: list[Example], context: int, latents: int) -> Batch:
        batch = collate(examples, context, latents, self._conditioner, self._dropout, self.rng)
        return batch.to(self._coder.device)
