"""What a setting that makes the DiT smaller or faster costs in quality, on the bundled model."""

import numpy as np
import torch

from model.engine import Engine
from model.evaluate.films import COMMANDS, HELD_OUT_SEED, fidelity, film
from model.load import load_engine
from model.measure import named_camera
from model.quantize import quantize
from model.tiles import Plan, Tiling, attend_sparsely
from model.train.world import World

FRAMES = 25  # the first window
# mini's grid is 7x16x16 tokens, so its tiles are smaller than those of 960x544; the share of pairs is alike.
TILING = Tiling((2, 4, 4), (3, 3, 3))


def priced(settings: list[tuple[str, str]], *, pictures: int = 1) -> list[dict[str, object]]:
    """For each (attention, precision): first windows of every camera word, from unseen pictures, against
    those of dense bfloat16 with the same seeds.

    psnr_db of frames 1 to 24 (60 and more is reported as 60), relative_error of all pixels, and motion: the
    share of films whose measured camera motion is the commanded one. What can't run here says why.
    """
    world = World(HELD_OUT_SEED)
    given = [world.nature(1).frames[0] for _ in range(pictures)]
    plain = films(load_engine("mini"), given)
    return [_row(attention, precision, given, plain) for attention, precision in settings]


def films(engine: Engine, pictures: list[np.ndarray]) -> dict[str, np.ndarray]:
    """By camera word, [pictures, FRAMES, H, W, 3]."""
    return {
        name: np.stack([film(engine, picture, said, seed, FRAMES) for seed, picture in enumerate(pictures)])
        for name, said in COMMANDS.items()
    }


def _row(
    attention: str, precision: str, given: list[np.ndarray], plain: dict[str, np.ndarray]
) -> dict[str, object]:
    row: dict[str, object] = {"attention": attention, "precision": precision}
    try:
        engine = load_engine("mini")
        quantize(engine.transformer.to(torch.bfloat16), precision)
        if attention == "sparse":
            attend_sparsely(engine.transformer, TILING)
            side = engine.config.height // (
                engine.config.pixels_per_latent * engine.transformer.config.patch_size
            )
            grid = (1 + engine.config.new_latents, side, side)
            row["density"] = round(Plan(TILING, grid, 0, 1, torch.device("cpu")).density, 3)
        made = plain if (attention, precision) == ("dense", "bf16") else films(engine, given)
    except Exception as error:  # a precision or a kernel that this machine hasn't got
        return row | {"not_run": f"{type(error).__name__}: {error}"}
    right = [named_camera(one) == name for name, of in made.items() for one in of]
    wanted, found = (np.stack(list(of.values()))[:, :, 1:] for of in (plain, made))
    apart = np.linalg.norm(found.astype(np.float64) - wanted) / np.linalg.norm(wanted.astype(np.float64))
    return row | {
        "psnr_db": fidelity(wanted, found),
        "relative_error": round(float(apart), 4),
        "motion": round(float(np.mean(right)), 3),
        "films": len(right),
    }
