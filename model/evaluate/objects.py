"""Does the thing do what it is told?"""

import numpy as np
from tqdm import tqdm

from model.engine import Engine
from model.evaluate.films import HELD_OUT_SEED, film
from model.measure import named_object
from model.train.world import World


def objects(engine: Engine, count: int) -> dict[str, object]:
    """Of `count` clips of an unseen world in which one shape moves before a camera at rest, each gone on from
    its first frame by its caption: the share whose shape moves as commanded, before a ground at rest, by
    motion and in all. Clips that are not judged right themselves are passed over (`passed_over`)."""
    world = World(HELD_OUT_SEED + 6, scenes=1.0, moving=1.0)
    right: dict[str, list[bool]] = {}
    passed_over = 0
    with tqdm(total=count, desc="objects") as progress:
        while progress.n < count:
            clip = world.clip(25)
            if clip.thing == "still":
                continue
            if named_object(clip.frames, clip.colour) != clip.thing:
                passed_over += 1
                continue
            frames = film(engine, clip.frames[0], clip.caption, progress.n, 25)
            right.setdefault(clip.thing, []).append(named_object(frames, clip.colour) == clip.thing)
            progress.update()
    return {
        "by_motion": {name: round(float(np.mean(of)), 3) for name, of in sorted(right.items())},
        "all": round(float(np.mean([one for of in right.values() for one in of])), 3),
        "films": count,
        "passed_over": passed_over,
    }
