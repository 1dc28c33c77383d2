"""The grammar of captions: what a scene shows and how it moves, in several wordings. Knows no pixels."""

import re
from typing import TypeVar

import numpy as np

from model.train.textures import BACKGROUNDS, COLOURS, SHAPES

Option = TypeVar("Option")
_CAMERA_WORDS: dict[str, tuple[str, ...]] = {
    **{
        f"pan {way}": (
            f"the camera pans {way}",
            f"the camera pans to the {way}",
            f"pan {way}",
            f"the camera moves {way}",
            f"panning {way}",
            f"the camera slowly pans {way}",
            f"camera pan {way}",
            f"the view pans to the {way}",
        )
        for way in ("left", "right")
    },
    **{
        f"pan {way}": (
            f"the camera pans {way}",
            f"the camera tilts {way}",
            f"pan {way}",
            f"the camera moves {way}",
            f"panning {way}",
            f"the camera slowly pans {way}",
            f"camera pan {way}",
            f"the view pans {way}",
        )
        for way in ("up", "down")
    },
    "zoom in": (
        "the camera zooms in",
        "zoom in",
        "zooming in",
        "the camera slowly zooms in",
        "the camera pushes in",
        "camera zoom in",
        "the view zooms in",
        "the camera moves closer",
    ),
    "zoom out": (
        "the camera zooms out",
        "zoom out",
        "zooming out",
        "the camera slowly zooms out",
        "the camera pulls out",
        "camera zoom out",
        "the view zooms out",
        "the camera moves away",
    ),
    "rotate clockwise": (
        "the camera rotates clockwise",
        "the camera turns clockwise",
        "rotate clockwise",
        "rotating clockwise",
        "the camera rolls clockwise",
    ),
    "rotate counterclockwise": (
        "the camera rotates counterclockwise",
        "the camera turns counterclockwise",
        "rotate counterclockwise",
        "rotating counter-clockwise",
        "the camera rolls anticlockwise",
        "the camera rotates counter-clockwise",
    ),
    "still": (
        "the camera is still",
        "a static shot",
        "the camera does not move",
        "static camera",
        "nothing moves",
    ),
}
_OBJECT_WORDS: dict[str, tuple[str, ...]] = {
    **{
        f"move {way}": (
            f"the {{}} moves {way}",
            f"the {{}} moves to the {way}",
            f"the {{}} slides {way}",
            f"a {{}} moving {way}",
        )
        for way in ("left", "right")
    },
    **{
        f"move {way}": (
            f"the {{}} moves {way}",
            f"the {{}} goes {way}",
            f"the {{}} slides {way}",
            f"a {{}} moving {way}",
        )
        for way in ("up", "down")
    },
    "bounce": ("the {} bounces", "the {} bounces up and down", "a bouncing {}", "the {} is bouncing"),
    "grow": ("the {} grows", "the {} gets bigger", "a growing {}", "the {} is growing"),
    "shrink": ("the {} shrinks", "the {} gets smaller", "a shrinking {}", "the {} is shrinking"),
    "orbit": ("the {} orbits", "the {} circles around", "an orbiting {}", "the {} moves in a circle"),
    "still": ("the {} is still", "the {} does not move"),
}
FILLER = (
    "a photo of",
    "a photograph of",
    "a picture of",
    "a video of",
    "an image of",
    "in",
    "on",
    "the",
    "a",
    "with",
    "and",
    "of",
    "at",
    "near",
    "behind",
    "under",
    "small",
    "large",
    "old",
    "new",
    "two",
    "many",
    "light",
    "dark",
    "beautiful",
    "scene",
    "landscape",
    "city",
    "street",
    "tree",
    "trees",
    "water",
    "sky",
    "house",
    "face",
    "person",
    "people",
    "table",
    "food",
    "flower",
    "animal",
    "cup",
    "room",
    "mountain",
    "sea",
    "sun",
    "night",
    "day",
)
_BETWEEN = ("background against front of plain object it video picture photo", ", . ; - ' ! ?")
UNKNOWN = "[UNK]"


def pick(rng: np.random.Generator, options: tuple[Option, ...]) -> Option:
    return options[int(rng.integers(len(options)))]


def behind_caption(rng: np.random.Generator, near: str, far: str) -> str:
    """Two things of which `near` is painted over `far`, in words without their first article."""
    return pick(rng, (f"{near} and a {far}", f"{near} in front of a {far}", f"{far} behind a {near}"))


def scene_caption(rng: np.random.Generator, things: str, ground: str, kind: str) -> str:
    """Names what is there ("red star") and the background; a plain background is mostly left unnamed."""
    word = f"{kind} {ground}" if kind != "plain" else ground
    if kind == "plain" and rng.random() < 0.2:
        word = f"plain {ground}"
    said = pick(
        rng,
        (
            f"a {things} on a {word} background",
            f"a {things} on a {word} background",
            f"a {things} on {word}",
            f"a {things} in front of a {word} background",
            f"{things}, {word} background",
            f"a picture of a {things} on a {word} background",
            f"a video of a {things} against a {word} background",
        ),
    )
    return re.sub(r"\ba orange", "an orange", said) if rng.random() < 0.8 else said


def plain_caption(camera: str) -> str:
    """A camera motion in its plainest words."""
    return _CAMERA_WORDS[camera][0]


def plain_film(camera: str, thing: str = "still") -> str:
    """What a film is to do, in its plainest words: what the camera does where it moves, else the object."""
    if camera == "still" and thing != "still":
        return _OBJECT_WORDS[thing][0].format("object")
    return plain_caption(camera)


def other_caption(rng: np.random.Generator) -> str:
    """Words for a picture that the grammar can't describe, most of them outside its vocabulary."""
    count = int(rng.integers(0, 9))
    words = [pick(rng, FILLER) if rng.random() < 0.5 else UNKNOWN for _ in range(count)]
    if rng.random() < 0.15:
        words.insert(int(rng.integers(count + 1)), pick(rng, (*COLOURS, *SHAPES, *BACKGROUNDS)))
    return " ".join(words)


def motion_caption(rng: np.random.Generator, camera: str | None, thing: str | None, noun: str) -> str:
    """The motions that are not None, in words; empty when both are."""
    said = []
    if thing is not None:
        said.append(pick(rng, _OBJECT_WORDS[thing]).format(noun))
    if camera is not None:
        said.append(pick(rng, _CAMERA_WORDS[camera]))
    return pick(rng, (" and ", ", ", ". ")).join(said)


def join(rng: np.random.Generator, scene: str, motion: str) -> str:
    parts = [part for part in (scene, motion) if part]
    if len(parts) == 2 and rng.random() < 0.15:
        parts.reverse()
    return pick(rng, (", ", ". ", "; ")).join(parts)


def phrases() -> tuple[str, ...]:
    """All that the grammar says, in pieces."""
    known = (*FILLER, *COLOURS, *SHAPES, *BACKGROUNDS)
    motions = (words for table in (_CAMERA_WORDS, _OBJECT_WORDS) for words in table.values())
    return (*known, *(phrase for words in motions for phrase in words), *_BETWEEN)
