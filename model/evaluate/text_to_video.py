"""Does one prompt do both: say what the picture shows, and how the camera moves?"""

import numpy as np
from tqdm import tqdm

from model.engine import Engine
from model.evaluate.films import HELD_OUT_SEED, film
from model.measure import named_camera, named_scene
from model.train import prompts


def text_to_video(engine: Engine, count: int) -> dict[str, object]:
    """Of `count` prompts as people ask (prompts.py, drawn anew), each with a command to the camera: the share
    whose picture shows what is named, whose film of that picture by the same prompt moves as commanded (first
    window), and both. Prompt i has seed i."""
    rng = np.random.default_rng(HELD_OUT_SEED + 5)
    painted, obeyed = [], []
    for seed in tqdm(range(count), desc="text-to-video"):
        asked = prompts.picture(rng, patterned=0.5, filming=1.0)
        picture = engine.paint(asked.said, seed=seed)
        painted.append(named_scene(picture) == asked.named)
        obeyed.append(named_camera(film(engine, picture, asked.said, seed, 25)) == asked.camera)
    both = np.logical_and(painted, obeyed)
    return {
        "picture": round(float(np.mean(painted)), 3),
        "motion": round(float(np.mean(obeyed)), 3),
        "both": round(float(np.mean(both)), 3),
        "prompts": count,
    }
