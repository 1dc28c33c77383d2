"""Trains the autoencoder: a PCA of patches in closed form, then the convolutional correction by mean squared
error."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import IterableDataset
from tqdm import tqdm

from model.autoencoder import SPACE, Codec, PatchAutoencoder
from model.train.checkpoint import Checkpoint
from model.train.loaders import loaders, own_share, stream
from model.train.pace import learning_rate
from model.train.precision import mixed
from model.train.world import World


class Crops(IterableDataset):
    """Batches of cropped clips of 1 + 4 frames, uint8 [B, 5, crop, crop, 3]."""

    def __init__(self, seed: int, batch: int, crop: int) -> None:
        self.seed, self.batch, self.crop = seed, batch, crop

    def __iter__(self):
        number, canvases = own_share()
        # Finer than the DiT's clips: as rich as photographs.
        world = World((self.seed, number), canvases=canvases, detail=(-1.5, 0.2))
        while True:
            clips: list[np.ndarray] = []
            while len(clips) < self.batch:
                clip = world.nature(5) if world.rng.random() < 0.8 else world.scene(5)
                for y, x in ((0, 0), (0, self.crop), (self.crop, 0), (self.crop, self.crop)):
                    if y + self.crop <= world.size and x + self.crop <= world.size:
                        clips.append(clip.frames[:, y : y + self.crop, x : x + self.crop])
            order = world.rng.permutation(len(clips))[: self.batch]
            yield torch.from_numpy(np.stack([clips[i] for i in order]))


def pictures(batch: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 [B, 5, H, W, 3] -> the first frame [B, 3, H, W] and the later four as planes [B, 12, H, W], in
    -1..1."""
    video = batch.permute(0, 1, 4, 2, 3).float() / 127.5 - 1
    return video[:, 0], video[:, 1:].flatten(1, 2)


def fit_basis(codec: Codec, sample: Tensor) -> None:
    """Sets analysis and synthesis to the whitened principal components of 8x8 patches of `sample` [N, P, H,
    W]."""
    patches = F.pixel_unshuffle(sample, SPACE).permute(0, 2, 3, 1).flatten(0, 2).double()
    mean = patches.mean(0)
    covariance = torch.cov(patches.T)
    values, vectors = torch.linalg.eigh(covariance)
    channels = codec.analysis.out_channels
    values, vectors = values[-channels:].flip(0), vectors[:, -channels:].flip(1)
    scale = values.sqrt()
    assert codec.analysis.bias is not None
    assert codec.synthesis.bias is not None
    with torch.no_grad():
        codec.analysis.weight.copy_((vectors / scale).T[..., None, None])
        codec.analysis.bias.copy_(-(mean @ (vectors / scale)))
        codec.synthesis.weight.copy_((vectors * scale)[..., None, None])
        codec.synthesis.bias.copy_(mean)


@torch.no_grad()
def normalise(model: PatchAutoencoder, batches: list[Tensor]) -> None:
    """Stores each channel's mean and standard deviation, and the rotation that brings the groups' codes
    closest to those of the pictures in them (orthogonal Procrustes, Schoenemann 1966): what stands still then
    keeps its latents."""
    codes: dict[str, list[Tensor]] = {"picture": [], "group": [], "inside": []}
    for batch in batches:
        picture, group = pictures(batch)
        codes["picture"].append(model.picture.encode(picture))
        codes["group"].append(model.group.encode(group))
        inside = [model.picture.encode(frame) for frame in group.chunk(group.shape[1] // 3, dim=1)]
        codes["inside"].append(torch.stack(inside).mean(0))
    joined = {name: torch.cat(parts) for name, parts in codes.items()}
    for name in ("picture", "group"):
        getattr(model, f"{name}_mean").copy_(joined[name].mean((0, 2, 3), keepdim=True))
        getattr(model, f"{name}_std").copy_(joined[name].std((0, 2, 3), keepdim=True))
    group = (joined["group"] - model.group_mean) / model.group_std
    inside = (joined["inside"] - model.picture_mean) / model.picture_std
    left, _, right = torch.linalg.svd(torch.einsum("nihw,njhw->ij", inside, group))
    model.group_turn.copy_(left @ right)


def train(
    folder: Path,
    *,
    steps: int,
    batch: int,
    crop: int,
    lr: float,
    noise: float,
    seed: int,
    device: torch.device,
) -> PatchAutoencoder:
    """Trains for `steps` steps, resuming from `folder` where a checkpoint lies there; saves `folder`/vae and
    returns it.

    Noise of standard deviation `noise` on the codes makes the decoder forgive what the DiT gets slightly
    wrong.
    """
    torch.manual_seed(seed)
    crops = stream(Crops(seed, batch, crop), loaders(device))
    model = PatchAutoencoder().to(device)
    # The basis stays: at a learning rate that suits the convolutions its small weights would be shaken to
    # pieces.
    learned = [
        weight
        for name, weight in model.named_parameters()
        if "analysis" not in name and "synthesis" not in name
    ]
    optimiser = torch.optim.AdamW(learned, lr=lr, betas=(0.9, 0.99), weight_decay=0.0)
    checkpoint = Checkpoint(folder / "autoencoder", model=model, optimiser=optimiser)
    start = checkpoint.resume()
    if start == 0:
        sample = [pictures(next(crops)) for _ in tqdm(range(400 // batch + 1), desc="closed-form basis")]
        for codec, index in ((model.picture, 0), (model.group, 1)):
            fit_basis(codec, torch.cat([pair[index] for pair in sample]))
    model = model.to(memory_format=torch.channels_last)
    progress = tqdm(range(start, steps), initial=start, total=steps, desc="autoencoder")
    for step in progress:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(lr, step, warmup=50, part=step / steps, fall=0.2)
        loss, errors = torch.zeros((), device=device), []
        for codec, target in zip((model.picture, model.group), pictures(next(crops)), strict=True):
            target = target.to(device, memory_format=torch.channels_last)
            with mixed(device):
                codes = codec.encode(target)
                output = codec.decode(codes + noise * torch.randn_like(codes))
            error = F.mse_loss(output.float(), target)
            # the logarithm gives plain and detailed batches an equal say, and is what PSNR measures
            loss = loss + torch.log(error + 1e-4) + 1e-3 * codes.float().square().mean()
            errors.append(error.detach())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        if step % 20 == 0:
            progress.set_postfix(
                {
                    name: f"{10 * np.log10(4 / error.item()):.2f} dB"
                    for name, error in zip(("picture", "group"), errors, strict=True)
                }
            )
        if step % 200 == 199:
            checkpoint.save(step + 1)
    model.eval()
    normalise(model, [next(crops).to(device) for _ in range(512 // batch + 1)])
    model.cpu().save_pretrained(folder / "vae")
    return model
