"""The bundled autoencoder: a closed-form patch basis with a small convolutional correction on both sides.

Geometry of HunyuanVideo's: x8 in height and width, x4 in time, 16 channels; T latent frames hold 4(T-1)+1
frames, the first latent frame one frame and each later one four. Unlike HunyuanVideo's there is no causal
memory: each latent frame is coded by itself, so that any part of a video can be decoded alone.
"""

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional as F

SPACE = 8


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(width, width, 3, padding=1)
        self.outer = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.outer(F.silu(self.inner(F.silu(x))))


class Codec(nn.Module):
    """Codes groups of `frames` frames, as pictures of 3 * frames planes, into one latent frame each, and
    back."""

    def __init__(self, frames: int, channels: int, width: int, depth: int) -> None:
        super().__init__()
        planes = 3 * frames
        self.analysis = nn.Conv2d(planes * SPACE**2, channels, 1)  # starts as whitened PCA
        self.synthesis = nn.Conv2d(channels, planes * SPACE**2, 1)
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(planes * 16, width // 2, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width // 2, width, 4, stride=2, padding=1),
            *(Residual(width) for _ in range(depth)),
            nn.SiLU(),
            nn.Conv2d(width, channels, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            *(Residual(width) for _ in range(depth)),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.PixelShuffle(2),
            Residual(width // 2),
            nn.SiLU(),
            nn.Conv2d(width // 2, planes * 16, 3, padding=1),
            nn.PixelShuffle(4),
        )
        for last in (self.encoder[-1], self.decoder[-2]):
            for weight in last.parameters():  # the correction starts at nothing
                nn.init.zeros_(weight)

    def encode(self, pictures: Tensor) -> Tensor:
        """[N, 3*frames, H, W] in -1..1 -> [N, C, H/8, W/8]"""
        return self.analysis(F.pixel_unshuffle(pictures, SPACE)) + self.encoder(pictures)

    def decode(self, latents: Tensor) -> Tensor:
        """[N, C, h, w] -> [N, 3*frames, 8h, 8w]"""
        return F.pixel_shuffle(self.synthesis(latents), SPACE) + self.decoder(latents)


class PatchAutoencoder(ModelMixin, ConfigMixin):
    """Video in -1..1, [B, 3, 4(T-1)+1, H, W] <-> latents [B, C, T, H/8, W/8] with zero mean and unit variance
    a channel."""

    @register_to_config
    def __init__(self, channels: int = 16, frames: int = 4, width: int = 96, depth: int = 3) -> None:
        super().__init__()
        self.picture = Codec(1, channels, width, depth)
        self.group = Codec(frames, channels, width, depth)
        for name in (
            "picture",
            "group",
        ):  # latents = (codes - mean) / std: a VAE's scaling factor, one a channel
            self.register_buffer(f"{name}_mean", torch.zeros(1, channels, 1, 1))
            self.register_buffer(f"{name}_std", torch.ones(1, channels, 1, 1))
        # A rotation of the groups' normalised codes, so that a still scene has nearly the same latents in
        # both codes.
        self.register_buffer("group_turn", torch.eye(channels))

    def encode(self, video: Tensor) -> Tensor:
        """Video [B, 3, 4(T-1)+1, H, W] -> latents [B, C, T, H/8, W/8]."""
        first = (self.picture.encode(video[:, :, 0]) - self.picture_mean) / self.picture_std
        if video.shape[2] == 1:
            return first.unsqueeze(2)
        batch, _, count, height, width = video.shape
        frames = self.config.frames
        assert (count - 1) % frames == 0, f"{count} frames are not {frames}(T-1)+1"
        groups = video[:, :, 1:].unflatten(2, (-1, frames)).permute(0, 2, 3, 1, 4, 5)  # B T' 4 3 H W
        codes = self.group.encode(groups.reshape(-1, 3 * frames, height, width))
        codes = torch.einsum("ij,njhw->nihw", self.group_turn, (codes - self.group_mean) / self.group_std)
        rest = codes.unflatten(0, (batch, -1)).transpose(1, 2)
        return torch.cat([first.unsqueeze(2), rest], dim=2)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, C, T, h, w] -> video [B, 3, 4(T-1)+1, 8h, 8w], not clamped."""
        first = self.picture.decode(latents[:, :, 0] * self.picture_std + self.picture_mean).unsqueeze(2)
        return (
            first
            if latents.shape[2] == 1
            else torch.cat([first, self.decode_groups(latents[:, :, 1:])], dim=2)
        )

    def decode_groups(self, latents: Tensor) -> Tensor:
        """Latent frames that hold four frames each, [B, C, T, h, w] -> video [B, 3, 4T, 8h, 8w]."""
        batch = latents.shape[0]
        codes = torch.einsum("ij,nihw->njhw", self.group_turn, latents.transpose(1, 2).flatten(0, 1))
        codes = codes * self.group_std + self.group_mean
        pictures = self.group.decode(codes).unflatten(1, (self.config.frames, 3))  # B*T 4 3 H W
        return pictures.unflatten(0, (batch, -1)).flatten(1, 2).transpose(1, 2)

    def continuation(self, latents: Tensor, count: int) -> Tensor:
        """The context a next window starts from: `count` latent frames that end where `latents` end.

        latents [B, C, T, h, w], T > count, whose last `count` hold four frames each -> [B, C, count, h, w],
        of which the first holds one frame: the last frame before the other count-1, decoded and coded anew as
        a picture.
        """
        joint = latents[:, :, latents.shape[2] - count : latents.shape[2] - count + 1]
        last = self.decode_groups(joint)[:, :, -1:].clamp(-1, 1)
        return torch.cat([self.encode(last), latents[:, :, latents.shape[2] - count + 1 :]], dim=2)
