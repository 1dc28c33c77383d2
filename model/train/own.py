"""Windows to go on from that the student made itself: what a later window meets in a long video."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from model.autoencoder import PatchAutoencoder
from model.conditioning import Conditioner
from model.config import EngineConfig
from model.look import given_look, look_of
from model.train.batch import Batch

LONGEST = 12  # windows in a row; then a chain starts anew from what was filmed
KEPT = 64


@dataclass(frozen=True)
class Chain:
    """One video so far: the context [C, n, h, w] of its next window, what the condition is made of, the look
    of its first window and how many it has."""

    context: Tensor
    ids: Tensor
    mask: Tensor
    thumbnail: Tensor
    look: Tensor
    windows: int


class OwnWindows:
    """A small pool of chains; a new end takes the place of an old one."""

    def __init__(
        self,
        autoencoder: PatchAutoencoder,
        conditioner: Conditioner,
        config: EngineConfig,
        rng: np.random.Generator,
    ) -> None:
        self._autoencoder, self._conditioner, self._config, self._rng = autoencoder, conditioner, config, rng
        self._pool: list[Chain] = []

    def __len__(self) -> int:
        return len(self._pool)

    def draw(self, count: int) -> tuple[Batch, list[Chain]]:
        """`count` chains side by side, as a batch whose latents are only a place for the next window's."""
        chains = [self._pool[int(i)] for i in self._rng.integers(len(self._pool), size=count)]
        context = torch.stack([chain.context for chain in chains])
        later = context.new_zeros(*context.shape[:2], self._config.new_latents, *context.shape[3:])
        ids = pad_sequence([c.ids for c in chains], True, self._conditioner.tokenizer.pad_token_id)
        mask = pad_sequence([c.mask for c in chains], True, 0)
        thumbnails = torch.stack([chain.thumbnail for chain in chains])
        return Batch(torch.cat([context, later], dim=2), context, ids, mask, thumbnails), chains

    @torch.no_grad()
    def add(self, made: Tensor, batch: Batch, chains: list[Chain] | None) -> None:
        """Takes in windows [B, C, T, h, w] as `Engine` would go on from them. `chains` are those that they
        belong to; None: each begins one."""
        assert batch.context is not None
        count = batch.context.shape[2]
        for index, window in enumerate(made):
            latents = window[None].clone()
            latents[:, :, :count] = batch.context[index]
            if chains is None:
                look, windows = look_of(latents[:, :, count:]), 1
            else:
                look, windows = chains[index].look, chains[index].windows + 1
                if self._config.keeps_look:
                    latents[:, :, count:] = given_look(latents[:, :, count:], look)
            carried = latents.to(self._autoencoder.dtype)
            context = self._autoencoder.continuation(carried, self._config.context_latents)
            first = self._autoencoder.decode(context[:, :, :1])[:, :, 0].clamp(-1, 1)
            thumbnail = self._conditioner.thumbnail(first.float())[0]
            self._keep(
                Chain(context[0].float(), batch.ids[index], batch.mask[index], thumbnail, look, windows)
            )

    def _keep(self, chain: Chain) -> None:
        if chain.windows > LONGEST:
            return
        if len(self._pool) < KEPT:
            self._pool.append(chain)
        else:
            self._pool[int(self._rng.integers(KEPT))] = replace(chain)
