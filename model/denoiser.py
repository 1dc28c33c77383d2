"""One forward of the DiT: what is noisy, what is given, and what comes out as a velocity."""

from typing import Literal

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor

from model.conditioning import Condition

SMALLEST_SIGMA = 0.05  # a predicted sample turns into a velocity by dividing by sigma


def with_context(noisy: Tensor, context: Tensor | None) -> Tensor:
    """[noisy C | condition C | mask 1]: the context's latents and mask 1 on the first n latent frames, zeros
    after.

    noisy [B, C, T, h, w], context [B, C, n, h, w] or None -> [B, 2C + 1, T, h, w]
    """
    given = torch.zeros_like(noisy)
    mask = torch.zeros_like(noisy[:, :1])
    if context is not None:
        count = context.shape[2]
        given[:, :, :count] = context
        mask[:, :, :count] = 1
    return torch.cat([noisy, given, mask], dim=1)


def predict_velocity(
    transformer: HunyuanVideoTransformer3DModel,
    noisy: Tensor,
    sigma: Tensor,
    condition: Condition,
    context: Tensor | None,
    prediction: Literal["sample", "velocity"],
) -> Tensor:
    """The velocity eps - x0 at `noisy` [B, C, T, h, w] and `sigma` [B] or scalar, float32, of the same shape
    as `noisy`.

    A small DiT whose tokens hold more numbers than its hidden size can't pass the noise through, so it
    predicts the clean sample (Li and He 2025, "Back to Basics"), which is turned into a velocity here: v = (x
    - x0) / sigma.
    """
    sigma = sigma.expand(noisy.shape[0])
    output = transformer(
        hidden_states=with_context(noisy, context).to(transformer.dtype),
        timestep=sigma * 1000,
        encoder_hidden_states=condition.tokens.to(transformer.dtype),
        encoder_attention_mask=condition.mask,
        pooled_projections=condition.pooled.to(transformer.dtype),
        return_dict=False,
    )[0].float()
    if prediction == "velocity":
        return output
    return (noisy - output) / sigma.clamp(min=SMALLEST_SIGMA).view(-1, 1, 1, 1, 1)
