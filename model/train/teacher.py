"""The teacher: the DiT and its condition encoders, trained by flow matching on windows with a context and on
single pictures."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from tqdm import tqdm

from model.autoencoder import PatchAutoencoder
from model.config import EngineConfig
from model.train import captions, motion, snapshot
from model.train.batch import Batch
from model.train.checkpoint import Checkpoint
from model.train.clock import Clock
from model.train.curve import Curve
from model.train.feed import Feed
from model.train.flow import channel_weights, flow_loss
from model.train.mini import Mini
from model.train.optimise import Optimisers
from model.train.pace import learning_rate
from model.train.recipe import Geometry, Matching
from model.train.recorded import Recorded
from model.train.shared import Shared

CONFIG = EngineConfig(
    name="mini",
    image_guidance=3.0,  # 2 to 5 did alike in a few dozen pictures (LOG.md)
    keeps_look=True,
    to_camera=tuple(captions.plain_film(camera) for camera in motion.CAMERA),
    to_things=tuple(captions.plain_film("still", thing) for thing in motion.OBJECT if thing != "still"),
    shift=8.0,  # of sampling; it is learned with less, so that lower sigmas are seen too (Matching.shift)
)


def train(
    folder: Path,
    recipe: Matching,
    geometry: Geometry,
    *,
    vae: Path,
    words_from: Path,
    seed: int,
    device: torch.device,
    minutes: float | None = None,
    weights_from: Path | None = None,
    snapshots: int | None = None,
) -> None:
    """Trains in `folder` and leaves an engine there, of the averaged weights; the text encoder stays as it
    is.

    Resumes from its checkpoint; without one it starts with the text encoder of `words_from` and else from
    nothing, or from the weights in `weights_from`.
    With `minutes` the learning rate falls to its end by the clock, should the steps not be done before: the
    same recipe serves machines of different speed. Every `snapshots` steps an engine is kept in `step-N`.
    """
    torch.manual_seed(seed)
    config = replace(CONFIG, image_tokens=recipe.image_tokens)
    mini = Mini(geometry, config)
    if weights_from is None:
        mini.read_words(words_from)
    else:
        mini.load(weights_from)
    mini.to(device).conditioner.text.requires_grad_(False)
    optimisers = Optimisers(mini)
    weights = optimisers.weights
    average, clock = EMAModel(weights, decay=recipe.ema, foreach=True), Clock()
    checkpoint = Checkpoint(folder, mini=mini, optimisers=optimisers, average=average, clock=clock)
    start = checkpoint.resume()
    clock.begin()
    feed = Feed(
        recipe.data,
        vae,
        mini.conditioner,
        new=config.new_latents,
        dropout=recipe.caption_dropout,
        seed=seed + start,
        device=device,
    )
    channels = channel_weights(PatchAutoencoder.from_pretrained(vae).eval()).to(device)
    curve = Curve(folder / "curve.csv")
    gradients = Recorded(weights) if device.type == "cuda" else Shared(weights)
    progress = tqdm(range(start, recipe.steps), initial=start, total=recipe.steps, desc="teacher")
    for step in progress:
        part = clock.part(step / recipe.steps, minutes)
        if part >= 1:
            break
        lr = learning_rate(recipe.lr, step, recipe.warmup, part, recipe.fall)
        stage = feed.stage(part, step)
        video = feed.clips(stage.clips)
        batches = {"video": (video, 1.0, stage.pure)}
        if stage.pictures:
            batches["image"] = (feed.pictures(stage.pictures), stage.weight, recipe.pure_pictures)
        for name, (batch, weight, pure) in batches.items():
            loss_of = partial(_loss, mini, channels, recipe.shift, pure)
            curve.note(name, gradients.run((name, pure), loss_of, weight, *batch.parts()))
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimisers.step(lr)
        average.step(weights)
        progress.set_postfix(curve.write(step, clock.minutes(), lr))
        if (step + 1) % recipe.save_every == 0:
            checkpoint.save(step + 1)
        if snapshots and (step + 1) % snapshots == 0:
            snapshot.keep(folder / f"step-{step + 1}", mini, config, vae, average=average, weights=weights)
    checkpoint.save(recipe.steps)
    snapshot.keep(folder, mini, config, vae, average=average, weights=weights)


def _loss(mini: Mini, channels: Tensor, shift: float, pure: float, *parts: Tensor | None) -> Tensor:
    prediction = mini.config.prediction
    return flow_loss(mini, Batch(*parts), channels, shift=shift, pure=pure, prediction=prediction)  # type: ignore[arg-type]
