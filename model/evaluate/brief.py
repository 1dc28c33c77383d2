"""python -m model.evaluate.brief --scale SCALE FOLDER... [--steps N] [--guidance G] [--clips N] [--csv FILE]:
engines of brief trainings side by side.

Each makes first windows for the same held-out clips, drawn as the recipe's last stage draws what it trains on
and as small, from the first frame and caption or, where the recipe gives no frame, from the caption alone.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.denoiser import predict_velocity
from model.engine import Engine, rng_for
from model.evaluate.films import HELD_OUT_SEED
from model.families.family import to_pixels
from model.families.mini import MiniFamily
from model.frechet import features, frechet_distance, speed_of
from model.load import load_engine
from model.measure import named_camera
from model.sampler import sample
from model.schedule import sigmas
from model.train.middle import MiddleRotaryPosEmbed
from model.train.recipe import RECIPES, Stage
from model.train.world import Clip, World

FRAMES = 25


def shrunk(engine: Engine, size: int) -> Engine:
    """The engine in place, for windows of `size` pixels that it takes for the middle of full ones, as
    training does."""
    side = engine.config.height // engine.config.pixels_per_latent
    engine.transformer.rope = MiddleRotaryPosEmbed(engine.transformer.rope, side)
    engine.config = replace(engine.config, height=size, width=size)
    return engine


@torch.inference_mode()
def first_window(
    engine: Engine, clip: Clip, seed: int, *, given: bool, steps: int, guidance: float
) -> np.ndarray:
    """25 frames by the clip's caption, away from the empty one by `guidance` (1: none); with `given` they go
    on from its first frame, which stays as it is."""
    config, mini = engine.config, engine.family
    assert isinstance(mini, MiniFamily)
    conditioner, autoencoder = mini.conditioner, mini.autoencoder
    context = thumbnail = None
    if given:
        picture = torch.from_numpy(clip.frames[:1].copy()).permute(3, 0, 1, 2)[None]
        video = (picture / 127.5 - 1).to(engine.device, autoencoder.dtype)
        context = autoencoder.encode(video).float()
        thumbnail = conditioner.thumbnail(video[:, :, 0])
    conditions = [
        conditioner(*(x.to(engine.device) for x in conditioner.tokenize([said])), thumbnail)
        for said in ((clip.caption,) if guidance == 1 else (clip.caption, ""))
    ]

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        towards, *away = (
            predict_velocity(mini.transformer, x, sigma, told, context, config.prediction)
            for told in conditions
        )
        return away[0] + guidance * (towards - away[0]) if away else towards

    noise = torch.randn(config.latent_shape(1 + config.new_latents), generator=rng_for(seed, 0))
    latents = sample(velocity, noise.to(engine.device), sigmas(steps, config.shift).to(engine.device))
    if context is not None:
        latents[:, :, :1] = context
    frames = to_pixels(autoencoder.decode(latents.to(autoencoder.dtype)))
    if given:
        frames[0] = clip.frames[0]
    return frames


def held_out(stage: Stage, count: int, seed: int = HELD_OUT_SEED + 1) -> list[Clip]:
    world = World(seed, size=stage.size, scenes=stage.scenes, turned=stage.turned)
    return [world.clip(FRAMES) for _ in range(count)]


def score(films: list[np.ndarray], clips: list[Clip]) -> dict[str, float]:
    """`motion`, `flow` and `frechet` are evaluate.held_out's motion, dynamic_degree and frechet."""
    ours, theirs = (np.array([features(f) for f in found]) for found in (films, [c.frames for c in clips]))
    right = [named_camera(f) == c.camera for f, c in zip(films, clips, strict=True) if not c.shape]
    return {
        "motion": round(float(np.mean(right)), 3) if right else float("nan"),
        "frechet": round(frechet_distance(ours, theirs), 2),
        "flow": round(speed_of(ours), 3),
    }


def rows(
    folders: list[Path], stage: Stage, count: int, *, given: bool, steps: int, guidance: float
) -> Iterator[dict[str, object]]:
    """A row an engine, after two for scale: as many other clips, and the clips themselves."""
    clips = held_out(stage, count)
    others = held_out(stage, count, HELD_OUT_SEED + 2)
    yield {"engine": "other clips", **score([clip.frames for clip in others], clips)}
    yield {"engine": "the clips", **score([clip.frames for clip in clips], clips)}
    for folder in folders:
        engine = shrunk(load_engine(folder), stage.size)
        films = [
            first_window(engine, clip, seed, given=given, steps=steps, guidance=guidance)
            for seed, clip in enumerate(tqdm(clips, desc=str(folder), leave=False))
        ]
        yield {"engine": str(folder), **score(films, clips)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.evaluate.brief", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--scale", choices=tuple(RECIPES), required=True, help="the recipe they come from")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--csv", type=Path, required=True)
    args = parser.parse_args()
    data = RECIPES[args.scale].teacher.data
    with args.csv.open("w", newline="") as file:
        found = rows(
            args.folders,
            data.stages[-1],
            args.clips,
            given=0 not in data.contexts,
            steps=args.steps,
            guidance=args.guidance,
        )
        for index, row in enumerate(found):
            table = csv.DictWriter(file, row)
            if index == 0:
                table.writeheader()
            table.writerow(row)
            file.flush()
            print(row, flush=True)


if __name__ == "__main__":
    main()
