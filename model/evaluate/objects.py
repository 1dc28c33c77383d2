"""Does the thing do what it is told?"""

import numpy as np
from tqdm import tqdm

from model.engine import Engine
from model.evaluate.films import HELD_OUT_SEED, film
from model.measure import named_object
from model.train import captions, commands
from model.train.world import Clip, World


def objects(engine: Engine, count: int, *, by_people: bool = False) -> dict[str, object]:
    """Of `count` clips of an unseen world in which one shape moves before a camera at rest, each gone on from
    its first frame by its caption, or by its motion as people say it: the share whose shape moves as
    commanded, before a ground at rest, by motion and in all. Clips that are not judged right themselves are
    passed over (`passed_over`)."""
    world = World(HELD_OUT_SEED + 6 + by_people, scenes=1.0, moving=1.0)
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
            said = _of_people(world.rng, clip) if by_people else clip.caption
            frames = film(engine, clip.frames[0], said, progress.n, 25)
            right.setdefault(clip.thing, []).append(named_object(frames, clip.colour) == clip.thing)
            progress.update()
    return {
        "by_motion": {name: round(float(np.mean(of)), 3) for name, of in sorted(right.items())},
        "all": round(float(np.mean([one for of in right.values() for one in of])), 3),
        "films": count,
        "passed_over": passed_over,
    }


def _of_people(rng: np.random.Generator, clip: Clip) -> str:
    noun = captions.pick(rng, (clip.shape, f"{clip.colour} {clip.shape}", "object", "shape", "thing"))
    return commands.to_a_thing(rng, clip.thing, noun)
