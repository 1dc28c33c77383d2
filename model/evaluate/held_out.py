"""How near is a film to the clip that it goes on from?"""

import numpy as np
from tqdm import tqdm

from model.engine import Engine
from model.evaluate.films import HELD_OUT_SEED, fidelity, film
from model.frechet import features, frechet_distance, speed_of
from model.measure import named_camera
from model.train.world import World


def held_out(engine: Engine, count: int) -> dict[str, object]:
    """First windows made from the first frames and captions of `count` clips of an unseen world, beside the
    clips.

    psnr_db: frames 1 to 24 against the clip's (of one that stays on its first frame: still_psnr_db). motion:
    the share of filmed textures whose camera moves as commanded. dynamic_degree: mean optical flow, pixels a
    frame. frechet: model.frechet. For scale, frechet_of_others is as many other clips of the world: they show
    other scenes, so that what goes on from the clips' own first frames may well be nearer.
    """
    world, others = World(HELD_OUT_SEED + 1), World(HELD_OUT_SEED + 2)
    truth, made, right, errors = [], [], [], []
    for seed in tqdm(range(count), desc="held-out clips"):
        clip = world.clip(25)
        frames = film(engine, clip.frames[0], clip.caption, seed, 25)
        if not clip.shape:
            right.append(named_camera(frames) == clip.camera)
        stays = np.broadcast_to(clip.frames[:1], clip.frames.shape)
        errors.append([fidelity(clip.frames[1:], other[1:]) for other in (frames, stays)])
        truth.append(clip.frames)
        made.append(frames)
    spaces = [np.array([features(frames) for frames in found]) for found in (made, truth)]
    unseen = np.array([features(others.clip(25).frames) for _ in range(count)])
    ours, still = np.mean(errors, axis=0).round(2).tolist()
    return {
        "clips": count,
        "psnr_db": ours,
        "still_psnr_db": still,
        "motion": round(float(np.mean(right)), 3),
        "motion_clips": len(right),
        "dynamic_degree": round(speed_of(spaces[0]), 3),
        "dynamic_degree_of_the_clips": round(speed_of(spaces[1]), 3),
        "frechet": round(frechet_distance(*spaces), 2),
        "frechet_of_others": round(frechet_distance(unseen, spaces[1]), 2),
    }
