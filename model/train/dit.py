"""Trains the DiT and its condition encoders together, by flow matching, on windows with a context and on
single pictures."""

import csv
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, HunyuanVideoTransformer3DModel
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from tqdm import tqdm
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModel

from model.autoencoder import PatchAutoencoder
from model.conditioning import Conditioner
from model.config import EngineConfig
from model.denoiser import predict_velocity
from model.schedule import shifted
from model.train import tokenizer
from model.train.batch import Batch, collate
from model.train.checkpoint import Checkpoint
from model.train.latents import Coded, Replay, loader
from model.train.middle import MiddleRotaryPosEmbed
from model.train.pace import learning_rate
from model.train.recipe import Matching, Stage
from model.train.start import start_by_copying, start_by_telling_apart

MAX_WORDS = 48
THUMBNAIL = 64
DRIFT_LIMIT = 0.5
SHIFT = 8.0  # of sampling; it is learned with less, so that lower sigmas are seen too (recipe.Matching.shift)
IMAGE_GUIDANCE = 3.0  # 2 to 5 did alike in a few dozen pictures (LOG.md)


class Mini(nn.Module):
    """All that is trained here: the DiT and the two condition encoders."""

    def __init__(self, recipe: Matching, config: EngineConfig) -> None:
        super().__init__()
        channels, width = config.latent_channels, recipe.tokens_width
        self.transformer = HunyuanVideoTransformer3DModel(
            in_channels=2 * channels + 1,
            out_channels=channels,
            num_attention_heads=recipe.heads,
            attention_head_dim=recipe.width // recipe.heads,
            num_layers=recipe.double_blocks,
            num_single_layers=recipe.single_blocks,
            num_refiner_layers=1,
            patch_size=recipe.patch,
            guidance_embeds=False,
            text_embed_dim=width,
            pooled_projection_dim=width,
            rope_axes_dim=recipe.rope,
            image_condition_type="latent_concat",
        )
        side = config.height // config.pixels_per_latent
        self.transformer.rope = MiddleRotaryPosEmbed(self.transformer.rope, side)
        words = tokenizer.build(MAX_WORDS)
        small = {
            "hidden_size": width,
            "intermediate_size": 4 * width,
            "num_hidden_layers": 2,
            "num_attention_heads": width // 32,
        }
        text = CLIPTextConfig(
            vocab_size=len(words),
            max_position_embeddings=MAX_WORDS,
            pad_token_id=words.pad_token_id,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            projection_dim=width,
            **small,
        )
        vision = CLIPVisionConfig(image_size=THUMBNAIL, patch_size=16, projection_dim=width, **small)
        self.conditioner = Conditioner(words, CLIPTextModel(text), CLIPVisionModel(vision))
        start_by_copying(self.transformer)
        start_by_telling_apart(self.conditioner.text)

    def load(self, folder: Path) -> None:
        """The weights that `save` wrote; their shapes must be this recipe's."""
        self.transformer.load_state_dict(
            HunyuanVideoTransformer3DModel.from_pretrained(folder / "transformer").state_dict()
        )
        self.conditioner.text.load_state_dict(
            CLIPTextModel.from_pretrained(folder / "text_encoder").state_dict()
        )
        self.conditioner.vision.load_state_dict(
            CLIPVisionModel.from_pretrained(folder / "image_encoder").state_dict()
        )

    def save(self, folder: Path) -> None:
        """diffusers' folders: transformer, text_encoder, image_encoder, tokenizer."""
        self.transformer.save_pretrained(folder / "transformer")
        self.conditioner.text.save_pretrained(folder / "text_encoder")
        self.conditioner.vision.save_pretrained(folder / "image_encoder")
        self.conditioner.tokenizer.save_pretrained(folder / "tokenizer")


def draw_sigmas(count: int, shift: float, pure: float) -> Tensor:
    """Logit-normal, shifted (Esser et al. 2024), with the share `pure` of them at 1, where every sampling
    starts.

    In a picture of a thousand latents the large colours and the motion still show at sigma 0.9: only close
    to 1 does a model need what the prompt says.
    """
    sigma = shifted(torch.sigmoid(torch.randn(count)), shift)
    return torch.where(torch.rand(count) < pure, torch.ones(count), sigma)


@torch.no_grad()
def channel_weights(autoencoder: PatchAutoencoder) -> Tensor:
    """[C, 1, 1, 1], of mean 1: how far one unit in each latent channel moves the pixels.

    Latents are whitened, so that texture and temporal detail hold most of their numbers and little of the
    picture: unweighted, the few channels that show where things are would hardly count.
    """
    count = autoencoder.config.channels
    units = torch.zeros(count + 1, count, 2, 1, 1)
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
    device: torch.device,
) -> Tensor:
    """Mean squared error of the velocity eps - x0 (Lipman et al. 2023), weighted by sigma^2 and by the
    channel's `weights`."""
    x0 = batch.latents.to(device)
    noise = torch.randn_like(x0)
    sigma = draw_sigmas(x0.shape[0], shift, pure).to(device)
    wide = sigma.view(-1, 1, 1, 1, 1)
    noisy = (1 - wide) * x0 + wide * noise
    move = lambda tensor: None if tensor is None else tensor.to(device)  # noqa: E731 - a name for three calls below
    with torch.autocast(device.type, torch.bfloat16):
        condition = mini.conditioner(move(batch.ids), move(batch.mask), move(batch.thumbnails))
        velocity = predict_velocity(
            mini.transformer, noisy, sigma, condition, move(batch.context), prediction
        )
    error = wide * (velocity - (noise - x0))  # that of the sample: there will be few steps to mend it
    return (weights * error.square()).mean()


def train(
    folder: Path,
    recipe: Matching,
    *,
    seed: int,
    device: torch.device,
    minutes: float | None = None,
    weights_from: Path | None = None,
) -> None:
    """Trains in `folder`, where `vae` lies already; writes the averaged weights and engine.json there.

    Resumes from its checkpoint; without one it starts from nothing, or from the weights in `weights_from`.
    With `minutes` the learning rate falls to its end by the clock, should the steps not be done before: the
    same recipe serves machines of different speed.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    config = EngineConfig(name="mini", image_guidance=IMAGE_GUIDANCE, drift_limit=DRIFT_LIMIT, shift=SHIFT)
    mini = Mini(recipe, config)
    if weights_from is not None:
        mini.load(weights_from)
    mini.to(device)
    # Words stay apart while the DiT learns to use them: at its own pace it first makes them alike, as noise.
    words = list(mini.conditioner.text.parameters())
    seen = [*mini.transformer.parameters(), *mini.conditioner.vision.parameters()]
    groups = [{"params": seen, "pace": 1.0}, {"params": words, "pace": recipe.words_pace}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    weights = [*seen, *words]
    average = EMAModel(weights, decay=recipe.ema)
    checkpoint = Checkpoint(
        folder / "dit", mini=mini, optimiser=optimiser, average=average, scheduler=Clock()
    )
    start = checkpoint.resume()
    clock = checkpoint.parts["scheduler"]
    clock.begin()
    most = config.context_latents + config.new_latents
    channels = channel_weights(PatchAutoencoder.from_pretrained(folder / "vae").eval()).to(device)
    shown: Stage | None = None
    curve = folder / "dit" / "curve.csv"
    curve.parent.mkdir(parents=True, exist_ok=True)
    running: dict[str, float] = {}
    for step in (progress := tqdm(range(start, recipe.steps), initial=start, total=recipe.steps, desc="dit")):
        part = step / recipe.steps if minutes is None else max(step / recipe.steps, clock.minutes() / minutes)
        if part >= 1:
            break
        lr = learning_rate(recipe.lr, step, recipe.warmup, part, recipe.fall)
        for group in optimiser.param_groups:
            group["lr"] = group["pace"] * lr
        stage = next(stage for stage in recipe.stages if part < stage.until)
        if stage is not shown:
            shown = stage
            coded = Coded(
                folder / "vae", seed + step, stage, fresh=recipe.fresh, latents=most, thumbnail=THUMBNAIL
            )
            replay = Replay(loader(coded), recipe.pool, rng)
            for _ in tqdm(range(recipe.first // recipe.fresh), desc="first clips", leave=False):
                replay.refresh()
        replay.refresh()
        context = int(rng.integers(1, config.context_latents + 1))
        dropout = recipe.caption_dropout
        clips = replay.draw(replay.clips, stage.clips)
        latents = context + config.new_latents
        video = collate(clips, context, latents, mini.conditioner, dropout, rng)
        batches = {"video": (video, 1.0, recipe.pure_clips)}
        if stage.pictures:
            pictures = replay.draw(replay.pictures, stage.pictures)
            image = collate(pictures, 0, 1, mini.conditioner, dropout, rng)
            batches["image"] = (image, stage.weight, recipe.pure_pictures)
        for name, (batch, weight, pure) in batches.items():
            loss = flow_loss(
                mini,
                batch,
                channels,
                shift=recipe.shift,
                pure=pure,
                prediction=config.prediction,
                device=device,
            )
            (weight * loss).backward()
            running[name] = 0.98 * running.get(name, loss.item()) + 0.02 * loss.item()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        average.step(weights)
        if step % 10 == 0:
            progress.set_postfix({**{k: f"{v:.4f}" for k, v in running.items()}, "lr": f"{lr:.1e}"})
            with curve.open("a", newline="") as file:
                csv.writer(file).writerow(
                    [step, f"{clock.minutes():.2f}", f"{lr:.3e}", *(f"{v:.5f}" for v in running.values())]
                )
        if (step + 1) % recipe.save_every == 0:
            checkpoint.save(step + 1)
    checkpoint.save(recipe.steps)
    average.copy_to(weights)
    mini.to(torch.bfloat16).cpu().save(folder)
    FlowMatchEulerDiscreteScheduler(shift=config.shift).save_pretrained(folder / "scheduler")
    config.save(folder)


class Clock:
    """Minutes of training over all runs of one checkpoint."""

    def __init__(self) -> None:
        self.before, self.since = 0.0, time.monotonic()

    def begin(self) -> None:
        self.since = time.monotonic()

    def minutes(self) -> float:
        return self.before + (time.monotonic() - self.since) / 60

    def state_dict(self) -> dict[str, float]:
        return {"minutes": self.minutes()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        self.before = state["minutes"]
