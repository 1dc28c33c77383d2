"""An engine without some of its blocks, which learns again to give what the whole one gives.

Which blocks go, and how: model.prune.
"""

from pathlib import Path

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn
from tqdm import tqdm

from model.autoencoder import PatchAutoencoder
from model.config import EngineConfig
from model.prune import least_needed, without
from model.schedule import sigmas
from model.train.batch import Batch
from model.train.clock import Clock
from model.train.curve import Curve
from model.train.feed import Feed
from model.train.flow import channel_weights, clean_of, noised
from model.train.mini import Mini
from model.train.pace import learning_rate
from model.train.precision import mixed
from model.train.recipe import Geometry, Pruning
from model.train.snapshot import write_strip


def train(
    folder: Path,
    recipe: Pruning,
    geometry: Geometry,
    *,
    whole_from: Path,
    seed: int,
    device: torch.device,
    minutes: float | None = None,
) -> None:
    """Leaves an engine in `folder`; `whole_from` is the engine that it is made from."""
    torch.manual_seed(seed)
    config = EngineConfig.load(whole_from)
    mini = Mini(geometry, config)
    mini.load(whole_from)
    mini.to(device).requires_grad_(False)
    whole, vae = mini.transformer, whole_from / "vae"
    channels = channel_weights(PatchAutoencoder.from_pretrained(vae).to(device).eval())
    feed = Feed(
        recipe.data, vae, mini.conditioner, new=config.new_latents, dropout=0.0, seed=seed, device=device
    )
    clock, curve = Clock(), Curve(folder / "curve.csv")
    stage = feed.stage(0.0, 0)

    def batches() -> list[Batch]:
        drawn = [feed.clips(stage.clips)]
        if stage.pictures:
            drawn.append(feed.pictures(stage.pictures))
        return drawn

    def gap(pruned: HunyuanVideoTransformer3DModel, batch: Batch) -> Tensor:
        """Mean squared difference of the samples that both see, at sigmas of the sampling."""
        grid = sigmas(config.video_steps, config.shift)[:-1]
        sigma = grid[torch.randint(len(grid), (len(batch.latents),))].to(device)
        noisy = noised(batch.latents, sigma)
        with mixed(device):
            with torch.no_grad():
                told = mini.conditioner(batch.ids, batch.mask, batch.thumbnails)
                wanted = clean_of(whole, noisy, sigma, told, batch.context, config.prediction)
            seen = clean_of(pruned, noisy, sigma, told, batch.context, config.prediction)
        return (channels * (seen - wanted).square()).mean()

    tried = [batch for _ in range(recipe.tries) for batch in batches()]

    @torch.no_grad()
    def cost(pruned: HunyuanVideoTransformer3DModel) -> float:
        torch.manual_seed(seed)  # the same noise for all that are compared
        return sum(gap(pruned, batch).item() for batch in tried)

    blocks = len(whole.transformer_blocks) + len(whole.single_transformer_blocks)
    gone = least_needed(whole, round(recipe.share * blocks), cost)
    tqdm.write(f"left out of {blocks} blocks: single-stream blocks {gone}")
    mini.transformer = pruned = without(whole, gone).requires_grad_(True)
    weights = list(pruned.parameters())
    optimiser = torch.optim.AdamW(weights, lr=recipe.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    for step in (progress := tqdm(range(recipe.steps), desc="pruned")):
        part = clock.part(step / recipe.steps, minutes)
        if part >= 1:
            break
        lr = learning_rate(recipe.lr, step, recipe.warmup, part, recipe.fall)
        optimiser.param_groups[0]["lr"] = lr
        stage = feed.stage(part, step)
        for name, batch in zip(("video", "image"), batches(), strict=False):
            loss = gap(pruned, batch)
            loss.backward()
            curve.note(name, loss.detach())
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        progress.set_postfix(curve.write(step, clock.minutes(), lr))
    mini.save(folder, config, vae)
    write_strip(folder)
