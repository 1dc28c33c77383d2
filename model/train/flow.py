"""Flow matching (Lipman et al. 2023): the sigmas that are drawn, what a number in each channel is worth, and
the loss."""

from typing import Literal

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor

from model.autoencoder import PatchAutoencoder
from model.conditioning import Condition
from model.denoiser import predict_velocity
from model.schedule import shifted
from model.train.batch import Batch
from model.train.mini import Mini
from model.train.precision import mixed


def draw_sigmas(count: int, shift: float, pure: float, device: torch.device) -> Tensor:
    """Logit-normal, shifted (Esser et al. 2024), with the share `pure` of them at 1, where every sampling
    starts.

    In a picture of a thousand latents the large colours and the motion still show at sigma 0.9: only close
    to 1 does a model need what the prompt says.
    """
    sigma = shifted(torch.sigmoid(torch.randn(count, device=device)), shift)
    return torch.where(torch.rand(count, device=device) < pure, torch.ones_like(sigma), sigma)


@torch.no_grad()
def channel_weights(autoencoder: PatchAutoencoder) -> Tensor:
    """[C, 1, 1, 1], of mean 1: how far one unit in each latent channel moves the pixels.

    Latents are whitened, so that texture and temporal detail hold most of their numbers and little of the
    picture: unweighted, the few channels that show where things are would hardly count.
    """
    count = autoencoder.config.channels
    units = torch.zeros(count + 1, count, 2, 1, 1, device=autoencoder.device)
    units[range(count), range(count), 1] = 1.0
    pixels = autoencoder.decode(units)[:, :, 1:]
    moved = (pixels[:count] - pixels[count:]).square().mean((1, 2, 3, 4)).sqrt()
    return (moved / moved.mean()).view(-1, 1, 1, 1)


def flow_loss(
    mini: Mini,
    batch: Batch,
    weights: Tensor,
    *,
    shift: float,
    pure: float,
    prediction: Literal["sample", "velocity"],
) -> Tensor:
    """Mean squared error of the velocity eps - x0 (Lipman et al. 2023), weighted by sigma^2 and by the
    channel's `weights`: that of the sample, as there will be few steps to mend it."""
    x0 = batch.latents
    sigma = draw_sigmas(len(x0), shift, pure, x0.device)
    with mixed(x0.device):
        condition = mini.conditioner(batch.ids, batch.mask, batch.thumbnails)
        clean = clean_of(mini.transformer, noised(x0, sigma), sigma, condition, batch.context, prediction)
    return (weights * (clean - x0).square()).mean()


def noised(x0: Tensor, sigma: Tensor) -> Tensor:
    """x0 [B, C, T, h, w] on its way to fresh noise, as far as `sigma` [B]."""
    wide = sigma.view(-1, 1, 1, 1, 1)
    return (1 - wide) * x0 + wide * torch.randn_like(x0)


def clean_of(
    transformer: HunyuanVideoTransformer3DModel,
    noisy: Tensor,
    sigma: Tensor,
    condition: Condition,
    context: Tensor | None,
    prediction: Literal["sample", "velocity"],
) -> Tensor:
    """The sample that the model sees in `noisy`: x0 = x - sigma v."""
    velocity = predict_velocity(transformer, noisy, sigma, condition, context, prediction)
    return noisy - sigma.view(-1, 1, 1, 1, 1) * velocity
