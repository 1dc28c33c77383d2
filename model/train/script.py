"""What a clip is going to show, and the words for it: drawn before anything is painted. Knows no pixels."""

from dataclasses import dataclass

import numpy as np

from model.train import captions, motion
from model.train.captions import pick
from model.train.textures import BACKGROUNDS, COLOURS, SHAPES


@dataclass(frozen=True)
class Script:
    """A clip's motions and what it shows, `words` for what is there and `said` for how it moves; either may
    be empty."""

    words: str
    said: str
    camera: str
    thing: str = "still"
    colour: str = ""
    shape: str = ""
    ground: str = ""
    kind: str = ""
    behind: tuple[str, str] | None = None  # colour and shape of a second thing

    def told(self, rng: np.random.Generator) -> str:
        return captions.join(rng, self.words, self.said)


def nature(rng: np.random.Generator, *, turned: float) -> Script:
    """A texture under a moving camera; what is seen there the grammar has no words for."""
    is_turned = rng.random() < turned
    kinds = [name for name in motion.CAMERA if name.startswith(("zoom", "rotate")) == is_turned]
    camera = pick(rng, tuple(kinds))
    said = captions.motion_caption(rng, _unless_default(rng, camera), None, "")
    return Script(captions.other_caption(rng), said, camera)


def scene(
    rng: np.random.Generator, *, moving: float = 0.5, things: tuple[str, ...] = motion.OBJECT
) -> Script:
    """A coloured shape on a coloured background; either the camera or, in `moving` of them, the shape
    moves, as one of `things`."""
    colour, ground = rng.choice(list(COLOURS), 2, replace=False).tolist()
    shape, kind = pick(rng, SHAPES), pick(rng, BACKGROUNDS)
    camera = pick(rng, motion.CAMERA) if rng.random() < 1 - moving else "still"
    thing = pick(rng, things) if camera == "still" else "still"
    if thing == "still":
        said = captions.motion_caption(rng, _unless_default(rng, camera), None, "")
    else:
        noun = pick(rng, (shape, f"{colour} {shape}", "object"))
        said = captions.motion_caption(rng, None, thing, noun)
    words = captions.scene_caption(rng, f"{colour} {shape}", ground, kind)
    if said and rng.random() < 0.15:
        words = ""
    return Script(words, said, camera, thing, colour, shape, ground, kind)


def grown_scene(rng: np.random.Generator) -> Script:
    """Both camera and shape may move, and a second shape lies behind, part of which the first hides."""
    colour, far, ground = rng.choice(list(COLOURS), 3, replace=False).tolist()
    shape, far_shape = rng.choice(SHAPES, 2, replace=False).tolist()
    kind = pick(rng, BACKGROUNDS)
    camera, thing = pick(rng, motion.CAMERA), pick(rng, motion.OBJECT)
    noun = pick(rng, (shape, f"{colour} {shape}"))
    moves = None if camera == "still" else camera, None if thing == camera == "still" else thing
    said = captions.motion_caption(rng, *moves, noun)
    things, behind = f"{colour} {shape}", None
    if rng.random() >= 0.4:
        behind = far, far_shape
        things = captions.behind_caption(rng, things, f"{far} {far_shape}")
    words = captions.scene_caption(rng, things, ground, kind)
    return Script(words, said, camera, thing, colour, shape, ground, kind, behind)


def _unless_default(rng: np.random.Generator, camera: str) -> str | None:
    """A zoom in, which is what a caption without any motion means, may go unsaid."""
    return None if camera == "zoom in" and rng.random() < 0.3 else camera
