"""What an evaluation films: natural photographs, commands of the camera, and the films themselves."""

import numpy as np

from model.engine import Engine
from model.image import fit
from model.measure import psnr
from model.train.motion import CAMERA
from model.windows import Shot

HELD_OUT_SEED = 7_000_001
VERBS = {"pan": "pans", "zoom": "zooms", "rotate": "rotates", "still": "is still"}
COMMANDS = {name: " ".join(["the camera", VERBS[name.split()[0]], *name.split()[1:]]) for name in CAMERA}


def photographs() -> dict[str, np.ndarray]:
    """Natural photographs that come with two libraries, uint8 [256, 256, 3]; none is ever trained on."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    found = dict(zip(("china", "flower"), load_sample_images().images, strict=True))
    found |= {
        "astronaut": data.astronaut(),
        "chelsea": data.chelsea(),
        "coffee": data.coffee(),
        "rocket": data.rocket(),
    }
    return {name: fit(picture, 256, 256) for name, picture in found.items()}


def film(engine: Engine, picture: np.ndarray, prompt: str, seed: int, num_frames: int) -> np.ndarray:
    seconds = num_frames / engine.config.fps
    windows = engine.generate([Shot(prompt, seconds)], picture, num_frames=num_frames, seed=seed)
    return np.concatenate([window.frames for window in windows])


def fidelity(wanted: np.ndarray, found: np.ndarray) -> float:
    """PSNR in dB, 60 where the two are (all but) the same: JSON knows no infinity."""
    return round(min(psnr(wanted, found), 60.0), 2)
