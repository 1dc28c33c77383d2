"""Does the camera do what it is told?"""

from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from model.engine import Engine
from model.evaluate.films import COMMANDS, film
from model.measure import named_camera
from model.train.motion import CAMERA


def motion(
    engine: Engine, pictures: dict[str, np.ndarray], seeds: int, strips: Path | None
) -> dict[str, object]:
    """Per camera word the share of videos (two windows each) whose measured motion is the commanded one."""
    right: dict[str, list[bool]] = {name: [] for name in CAMERA}
    later: dict[str, list[bool]] = {name: [] for name in CAMERA}
    jobs = [(name, label, seed) for name in CAMERA for label in pictures for seed in range(seeds)]
    for name, label, seed in tqdm(jobs, desc="motion"):
        frames = film(engine, pictures[label], COMMANDS[name], seed, 49)
        right[name].append(named_camera(frames[:25]) == name)
        later[name].append(named_camera(frames[25:]) == name)
        if strips is not None and seed == 0:
            strips.mkdir(parents=True, exist_ok=True)
            strip = np.hstack([frames[i] for i in (0, 1, 12, 24, 36, 48)])
            cv2.imwrite(str(strips / f"{label}-{name.replace(' ', '-')}.png"), strip[..., ::-1])
    share = {name: round(float(np.mean(values)), 3) for name, values in right.items()}
    second = {name: round(float(np.mean(values)), 3) for name, values in later.items()}
    return {
        "first_window": share,
        "second_window": second,
        "first_mean": round(float(np.mean(list(share.values()))), 3),
        "second_mean": round(float(np.mean(list(second.values()))), 3),
        "videos": len(jobs),
    }
