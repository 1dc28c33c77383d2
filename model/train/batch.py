"""What one forward of the training sees: examples side by side, their context damaged as inference would."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from model.conditioning import Conditioner
from model.train.coder import Example, carried


@dataclass(frozen=True)
class Batch:
    latents: Tensor
    context: Tensor | None
    ids: Tensor
    mask: Tensor
    thumbnails: Tensor | None

    def parts(self) -> tuple[Tensor | None, ...]:
        return self.latents, self.context, self.ids, self.mask, self.thumbnails

    def of(self, share: slice) -> "Batch":
        """Some of the examples."""
        return Batch(*(None if part is None else part[share] for part in self.parts()))  # type: ignore[arg-type]

    def to(self, device: torch.device) -> "Batch":
        """What lies elsewhere goes there without waiting for the device."""
        context, thumbnails = (
            None if given is None else carried(given, device) for given in (self.context, self.thumbnails)
        )
        latents, ids, mask = (carried(given, device) for given in (self.latents, self.ids, self.mask))
        return Batch(latents, context, ids, mask, thumbnails)


def damaged(context: Tensor) -> Tensor:
    """A context as inference meets it: a little noisy, and in later windows (more than one latent frame) a
    little blurred."""
    batch = context.shape[0]
    if context.shape[2] > 1:
        flat = context.transpose(1, 2).flatten(0, 1)
        blurred = F.interpolate(F.avg_pool2d(flat, 2), scale_factor=2.0, mode="bilinear")
        share = _some(batch, 0.5, context)
        context = context + share * (blurred.unflatten(0, (batch, -1)).transpose(1, 2) - context)
    level = 0.2 * _some(batch, 0.7, context)
    return context + level * torch.randn_like(context)


def of_one_length(conditioner: Conditioner, captions: list[str]) -> tuple[Tensor, Tensor]:
    """Ids and mask [B, L] of the text model's full length: the batches of a stage are of one shape."""
    ids, mask = conditioner.tokenize(captions)
    more = conditioner.text.config.max_position_embeddings - ids.shape[1]
    return F.pad(ids, (0, more), value=conditioner.tokenizer.pad_token_id), F.pad(mask, (0, more))


def _some(batch: int, share: float, like: Tensor) -> Tensor:
    """[B, 1, 1, 1, 1]: 0 to 1 in a `share` of the batch, else 0."""
    drawn = torch.rand(2, batch, 1, 1, 1, 1, device=like.device)
    return drawn[0] * (drawn[1] < share)


def collate(
    examples: list[Example],
    context: int,
    latents: int,
    conditioner: Conditioner,
    dropout: float,
    rng: np.random.Generator,
) -> Batch:
    """`context` is the number of latent frames given, 0 for text-to-image and text-to-video."""
    stacked = torch.stack([example.latents[:, :latents] for example in examples]).float()
    captions = ["" if rng.random() < dropout else example.caption for example in examples]
    ids, mask = of_one_length(conditioner, captions)
    if context == 0:
        return Batch(stacked, None, ids, mask, None)
    seen = torch.stack([example.thumbnail for example in examples]).permute(0, 3, 1, 2).float() / 127.5 - 1
    return Batch(stacked, damaged(stacked[:, :, :context]), ids, mask, seen)
