"""Engines along the way of a training, each with a strip of pictures to look at."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from diffusers.training_utils import EMAModel
from PIL import Image
from torch import nn

from model.config import EngineConfig
from model.evaluate.films import COMMANDS, HELD_OUT_SEED, film
from model.load import load_engine
from model.train.mini import Mini
from model.train.world import World

SHOWN = (0, 1, 12, 24, 36, 48)  # of two windows
COMMAND, PROMPT = "pan left", "a red star on a blue background"


def keep(
    folder: Path,
    mini: Mini,
    config: EngineConfig,
    vae: Path,
    *,
    average: EMAModel,
    weights: Iterable[nn.Parameter],
) -> None:
    """Leaves an engine of the averaged weights in `folder`; the training's own stay as they are."""
    weights = list(weights)
    average.store(weights)
    average.copy_to(weights)
    mini.save(folder, config, vae)
    average.restore(weights)
    write_strip(folder)


def write_strip(folder: Path) -> None:
    """strip.png: what the engine in `folder` paints of PROMPT, then frames of a film that pans over a picture
    training never saw."""
    engine = load_engine(folder)
    picture = World(HELD_OUT_SEED).nature(1).frames[0]
    frames = film(engine, picture, COMMANDS[COMMAND], 0, SHOWN[-1] + 1)
    painted = engine.paint(PROMPT, seed=0)
    Image.fromarray(np.hstack([painted, *(frames[i] for i in SHOWN)])).save(folder / "strip.png")
