"""Teaches a finished engine that things move, too, and keeps what it knows.

It goes by clips of what it doesn't know yet; for the rest, clips and pictures, it is its own teacher
(learning without forgetting, Li and Hoiem 2016), so that what distillation gave stays. Only the DiT learns.
"""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import HunyuanVideoTransformer3DModel
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from tqdm import tqdm

from model.autoencoder import PatchAutoencoder
from model.config import EngineConfig
from model.train import snapshot
from model.train.batch import Batch, of_one_length
from model.train.checkpoint import Checkpoint
from model.train.clock import Clock
from model.train.curve import Curve
from model.train.feed import Feed
from model.train.flow import channel_weights, clean_of, noised, sampling_sigmas
from model.train.mini import Mini
from model.train.pace import learning_rate
from model.train.precision import mixed
from model.train.prompts import picture
from model.train.recipe import Adding, Geometry
from model.train.spread import set_apart


def train(
    folder: Path,
    recipe: Adding,
    geometry: Geometry,
    *,
    engine_from: Path,
    kept_from: Path | None = None,
    seed: int,
    device: torch.device,
    minutes: float | None = None,
    snapshots: int | None = None,
) -> None:
    """Leaves in `folder` the engine of `engine_from`, its DiT trained further; what it is to keep is what the
    DiT of `kept_from` does, its own else. Resumes from its checkpoint; `minutes` and `snapshots` are as the
    teacher's."""
    torch.manual_seed(seed)
    config, vae = EngineConfig.load(engine_from), engine_from / "vae"
    mini = Mini(geometry, config)
    mini.load(engine_from)
    mini.to(device).requires_grad_(False)
    before = copy.deepcopy(mini.transformer)
    if kept_from:
        known = HunyuanVideoTransformer3DModel.from_pretrained(kept_from / "transformer")
        before.load_state_dict(known.state_dict())
    set_apart(mini, prompts=recipe.prompts, steps=recipe.apart, seed=seed)
    weights = list(mini.transformer.requires_grad_(True).parameters())
    optimiser = torch.optim.AdamW(weights, lr=recipe.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    average, clock = EMAModel(weights, decay=recipe.ema, foreach=True), Clock()
    checkpoint = Checkpoint(folder, mini=mini, optimiser=optimiser, average=average, scheduler=clock)
    start = checkpoint.resume()
    clock.begin()
    new, kept = (
        Feed(data, vae, mini.conditioner, new=config.new_latents, dropout=0.0, seed=own, device=device)
        for own, data in enumerate((recipe.new, recipe.kept), start=seed + 2 * start)
    )
    channels = channel_weights(PatchAutoencoder.from_pretrained(vae).eval()).to(device)
    curve = Curve(folder / "curve.csv")
    for step in (
        progress := tqdm(range(start, recipe.steps), initial=start, total=recipe.steps, desc="objects")
    ):
        part = clock.part(step / recipe.steps, minutes)
        if part >= 1:
            break
        lr = learning_rate(recipe.lr, step, recipe.warmup, part, recipe.fall)
        optimiser.param_groups[0]["lr"] = lr
        unknown, known = new.stage(part, step), kept.stage(part, step)
        painted = kept.pictures(known.pictures)
        batches = {
            "new": (new.clips(unknown.clips), unknown.pure, None, 1.0),
            "video": (kept.clips(known.clips), known.pure, before, recipe.keep),
            "image": (painted, known.pure, before, recipe.keep),
            "asked": (_asked(painted, mini, kept.rng), 1.0, before, recipe.keep),
        }
        for name, (batch, pure, teacher, weight) in batches.items():
            loss = _gap(mini, channels, batch, teacher, pure)
            (weight * loss).backward()
            curve.note(name, loss.detach())
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        average.step(weights)
        progress.set_postfix(curve.write(step, clock.minutes(), lr))
        if (step + 1) % recipe.save_every == 0:
            checkpoint.save(step + 1)
        if snapshots and (step + 1) % snapshots == 0:
            snapshot.keep(folder / f"step-{step + 1}", mini, config, vae, average=average, weights=weights)
    checkpoint.save(recipe.steps)
    snapshot.keep(folder, mini, config, vae, average=average, weights=weights)


def _asked(painted: Batch, mini: Mini, rng: np.random.Generator) -> Batch:
    """Other pictures, as people ask for them. Their latents are not theirs: for sigma 1 and a teacher, which
    go by the prompt alone."""
    prompts = [picture(rng, filming=0.5, moving=0.4).said for _ in painted.latents]
    ids, mask = (part.to(painted.ids.device) for part in of_one_length(mini.conditioner, prompts))
    return replace(painted, ids=ids, mask=mask)


def _gap(
    mini: Mini,
    channels: Tensor,
    batch: Batch,
    teacher: HunyuanVideoTransformer3DModel | None,
    pure: float,
) -> Tensor:
    """Mean squared difference of the sample that the DiT sees from the one that `teacher` sees, or from the
    true one, at sigmas of the sampling."""
    config, x0 = mini.config, batch.latents
    sigma = sampling_sigmas(len(x0), config.video_steps, config.shift, x0.device, pure=pure)
    noisy = noised(x0, sigma)
    with mixed(x0.device):
        told = mini.conditioner(batch.ids, batch.mask, batch.thumbnails)
        seen = clean_of(mini.transformer, noisy, sigma, told, batch.context, config.prediction)
        if teacher is not None:
            with torch.no_grad():
                x0 = clean_of(teacher, noisy, sigma, told, batch.context, config.prediction)
    return (channels * (seen - x0).square()).mean()
