"""python -m model.evaluate [--model mini] [--steps N] [--seeds 10] [--json FILE] [--strips FOLDER]: does the
model do what it is told?

Motion: pictures of a world whose seed training never used, and natural photographs (from scikit-image and
scikit-learn, extra `test`), each under every camera word; a video counts when the measured motion is the
commanded one. Attributes: text-to-image of the grammar; colour, shape and background must all be right. First
frames: PSNR to the photograph under "the camera is still"; frame 0 is the photograph, frame 1 the first that
the model makes. Held-out clips: the model goes on from a clip's first frame by its caption, and what it makes
is compared with the clip. A count of 0 leaves its part out.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from model.engine import Engine
from model.frechet import features, frechet_distance
from model.image import fit
from model.load import load_engine
from model.measure import flicker, mean_flow, named_camera, named_scene, psnr, sharpness
from model.train.motion import CAMERA
from model.train.textures import COLOURS, SHAPES
from model.train.world import World
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


def attributes(engine: Engine, count: int, strips: Path | None) -> dict[str, object]:
    rng = np.random.default_rng(HELD_OUT_SEED)
    hits, pictures = [], []
    for seed in tqdm(range(count), desc="text-to-image"):
        colour, ground = rng.choice(list(COLOURS), 2, replace=False)
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        picture = engine.paint(f"a {colour} {shape} on a {ground} background", seed=seed)
        seen = named_scene(picture)
        hits.append((seen[0] == colour, seen[1] == shape, seen[2] == ground))
        pictures.append(picture)
    if strips is not None:
        strips.mkdir(parents=True, exist_ok=True)
        rows = [np.hstack(pictures[i : i + 8]) for i in range(0, len(pictures) // 8 * 8, 8)][:5]
        cv2.imwrite(str(strips / "text-to-image.png"), np.vstack(rows)[::2, ::2, ::-1])
    colours, shapes, grounds = np.mean(hits, axis=0).round(3).tolist()
    return {
        "colour": colours,
        "shape": shapes,
        "background": grounds,
        "all": round(float(np.mean([all(h) for h in hits])), 3),
        "pictures": count,
    }


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
    speed = [
        float(np.mean([mean_flow(f[i], f[i + 4]) / 4 for f in found for i in (1, 9, 17)]))
        for found in (made, truth)
    ]
    return {
        "clips": count,
        "psnr_db": ours,
        "still_psnr_db": still,
        "motion": round(float(np.mean(right)), 3),
        "motion_clips": len(right),
        "dynamic_degree": round(speed[0], 3),
        "dynamic_degree_of_the_clips": round(speed[1], 3),
        "frechet": round(frechet_distance(*spaces), 2),
        "frechet_of_others": round(frechet_distance(unseen, spaces[1]), 2),
    }


def drift(engine: Engine, picture: np.ndarray, seconds: int) -> dict[str, object]:
    """Sharpness and mean colour at the end of every tenth second, against the first window's."""
    frames = film(engine, picture, "the camera pans left", 0, seconds * engine.config.fps)
    first = frames[:25]
    base, colour = np.mean([sharpness(f) for f in first[::6]]), first.mean((0, 1, 2))
    marks = range(engine.config.fps * 10, len(frames) + 1, engine.config.fps * 10)
    return {
        "sharpness": [
            round(float(np.mean([sharpness(f) for f in frames[m - 24 : m : 6]]) / base), 3) for m in marks
        ],
        "colour_shift": [
            round(float(np.abs(frames[m - 24 : m].mean((0, 1, 2)) - colour).max()), 1) for m in marks
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mini")
    parser.add_argument("--steps", type=int, help="Euler steps a window, in place of the model's own")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--clips", type=int, default=64, help="held-out clips")
    parser.add_argument("--pictures", type=int, default=100, help="text-to-image pictures")
    parser.add_argument("--drift-seconds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--strips", type=Path)
    args = parser.parse_args()
    engine = load_engine(args.model)
    if args.steps:
        engine.config = replace(engine.config, video_steps=args.steps)
    photos = photographs()
    world = World(HELD_OUT_SEED)
    made = {f"world-{i}": world.nature(1).frames[0] for i in range(2)} | {
        f"scene-{i}": world.scene(1).frames[0] for i in range(2)
    }
    still = {name: film(engine, photo, COMMANDS["still"], 0, 25) for name, photo in photos.items()}
    report: dict[str, object] = {
        "model": engine.describe(),
        "first_frame_psnr_db": {name: fidelity(photos[name], still[name][0]) for name in photos},
        "second_frame_psnr_db": {name: fidelity(photos[name], still[name][1]) for name in photos},
        "flicker_of_a_still": {name: round(flicker(frames[1:]), 3) for name, frames in still.items()},
    }
    if args.seeds:
        report["motion_photographs"] = motion(engine, photos, args.seeds, args.strips)
        report["motion_world"] = motion(engine, made, args.seeds, args.strips)
    if args.clips:
        report["held_out"] = held_out(engine, args.clips)
    if args.pictures:
        report["text_to_image"] = attributes(engine, args.pictures, args.strips)
    if args.drift_seconds:
        report["drift"] = drift(engine, photos["coffee"], args.drift_seconds)
    text = json.dumps(report, indent=2)
    print(text)
    if args.json:
        args.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
