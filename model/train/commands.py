"""Commands to the camera, and to a thing, as people write them: any wording, among words that say nothing of
it."""

import numpy as np

from model.train import captions, motion, script, verbs, wordings
from model.train.captions import UNKNOWN, pick

LONGEST = 30  # words beside a command


def of_people(rng: np.random.Generator) -> tuple[str, str]:
    """A camera's motion in any of its wordings, among words of no meaning; and which motion it is."""
    camera = pick(rng, motion.CAMERA)
    before, after = _beside(rng), _beside(rng)
    return _punctuated(rng, before, of_camera(rng, camera), after), camera


def to_a_thing(rng: np.random.Generator, thing: str, noun: str) -> str:
    """The motion of what is called `noun`, in any of its wordings, among words of no meaning."""
    before, after = _beside(rng), _beside(rng)
    return _punctuated(rng, before, of_thing(rng, thing, noun), after)


def of_camera(rng: np.random.Generator, camera: str) -> str:
    """A camera's motion in any of its wordings."""
    said = (
        pick(rng, wordings.CAMERA[camera])
        if rng.random() < 0.7
        else captions.motion_caption(rng, camera, None, "")
    )
    return _hurried(rng, said)


def of_thing(rng: np.random.Generator, thing: str, noun: str) -> str:
    """The motion of what is called `noun`, in any of its wordings."""
    if rng.random() < 0.5:
        return captions.motion_caption(rng, None, thing, noun)
    return _hurried(rng, verbs.said(rng, thing, noun))


def of_the_world(rng: np.random.Generator) -> script.Script:
    """What a clip of the world could be."""
    kind = rng.random()
    if kind < 0.5:
        return script.nature(rng, turned=0.5)
    return script.scene(rng) if kind < 0.85 else script.grown_scene(rng)


def _beside(rng: np.random.Generator) -> str:
    """Words of no meaning, often none."""
    if rng.random() < 0.5:
        return ""
    count = int(LONGEST * rng.random() ** 2)
    return " ".join(pick(rng, captions.FILLER) if rng.random() < 0.4 else UNKNOWN for _ in range(count))


def _hurried(rng: np.random.Generator, said: str) -> str:
    """With an adverb now and then, before, after or inside, or a word that nobody knows."""
    if rng.random() < 0.6:
        return said
    words = said.split()
    words.insert(
        int(rng.integers(len(words) + 1)), pick(rng, wordings.SLOWLY) if rng.random() < 0.7 else UNKNOWN
    )
    return " ".join(words)


def _punctuated(rng: np.random.Generator, *parts: str) -> str:
    said = [part for part in parts if part]
    joined = said[0]
    for part in said[1:]:
        joined += (pick(rng, wordings.ENDS) if rng.random() < 0.7 else "") + " " + part
    return joined + ("." if rng.random() < 0.3 else "")
