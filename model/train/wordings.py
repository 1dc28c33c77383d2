"""Commands as people write them: more ways to name a camera's motion than the world's captions know, among
words that say nothing of it."""

import numpy as np

from model.train import captions, motion, script
from model.train.captions import UNKNOWN, pick

_SIDEWAYS = (
    "the camera moves to the {way}",
    "camera moves {way}",
    "move the camera {way}",
    "move the camera to the {way}",
    "move {way}",
    "moving {way}",
    "the camera slides {way}",
    "slide to the {way}",
    "the camera glides {way}",
    "the camera drifts {way}",
    "the camera sweeps {way}",
    "the camera turns {way}",
    "turn {way}",
    "turn to the {way}",
    "the camera swings {way}",
    "look {way}",
    "look to the {way}",
    "the camera looks {way}",
    "truck {way}",
    "trucking {way}",
    "the camera trucks {way}",
    "dolly {way}",
    "a pan to the {way}",
    "slow pan {way}",
    "{way} pan",
    "pan {way}wards",
    "pan slowly to the {way}",
    "panning shot to the {way}",
    "tracking shot to the {way}",
    "the shot moves {way}",
    "the view moves {way}",
    "the view shifts to the {way}",
    "the frame moves {way}",
)
_UPRIGHT = (
    "tilt {way}",
    "tilting {way}",
    "camera tilt {way}",
    "the camera tilts slowly {way}",
    "tilt the camera {way}",
    "a tilt {way}",
    "the view tilts {way}",
    "move the camera {way}",
    "camera moves {way}",
    "move {way}",
    "moving {way}",
    "move {way}ward",
    "the camera moves {way}wards",
    "the camera slides {way}",
    "the camera glides {way}",
    "the camera drifts {way}",
    "the camera sweeps {way}",
    "look {way}",
    "the camera looks {way}",
    "crane {way}",
    "the camera cranes {way}",
    "pedestal {way}",
    "slow pan {way}",
    "{way}ward pan",
    "pan {way}wards",
    "the shot moves {way}",
    "the view moves {way}",
    "the view shifts {way}",
    "the frame moves {way}",
)
_TURNING = (
    "turn {way}",
    "turning {way}",
    "spin {way}",
    "spinning {way}",
    "the camera spins {way}",
    "roll {way}",
    "rolling {way}",
    "camera roll {way}",
    "the camera is rotating {way}",
    "rotate the camera {way}",
    "rotate the view {way}",
    "the view rotates {way}",
    "the view turns {way}",
    "the shot rotates {way}",
    "tilts {way}",
    "{way} rotation",
    "a {way} rotation",
    "a {way} turn",
    "rotating slowly {way}",
    "rotates in a {way} direction",
    "revolve {way}",
    "twist {way}",
)
_INWARDS = (
    "zoom",
    "zooms in",
    "slow zoom",
    "a slow zoom in",
    "slow zoom in",
    "zoom in slowly",
    "zoom in on it",
    "zoom into it",
    "zoom in closer",
    "the camera zooms closer",
    "the camera is zooming in",
    "push in",
    "pushing in",
    "slow push in",
    "push forward",
    "dolly in",
    "dolly forward",
    "the camera dollies in",
    "move in",
    "moving in",
    "move closer",
    "moving closer",
    "get closer",
    "going closer",
    "the camera gets closer",
    "the camera comes closer",
    "the camera approaches",
    "move forward",
    "moving forward",
    "the camera moves forward",
    "the camera moves in",
    "the camera moves towards it",
    "fly in",
    "fly forward",
    "close in",
    "closing in",
    "the view gets closer",
)
_OUTWARDS = (
    "zooms out",
    "a slow zoom out",
    "slow zoom out",
    "zoom out slowly",
    "zoom away",
    "zoom back",
    "the camera is zooming out",
    "the view zooms back",
    "pull out",
    "pulling out",
    "pull back",
    "pulling back",
    "slow pull back",
    "the camera pulls back",
    "the camera pulls away",
    "dolly out",
    "dolly back",
    "the camera dollies out",
    "move out",
    "moving out",
    "move back",
    "move away",
    "moving away",
    "going away",
    "the camera moves back",
    "the camera moves backwards",
    "the camera moves out",
    "move backward",
    "the camera backs away",
    "back away",
    "backing away",
    "the camera retreats",
    "fly out",
    "fly back",
    "the view widens",
    "the view gets wider",
)
_RESTING = (
    "static",
    "static view",
    "static camera shot",
    "a still shot",
    "still camera",
    "still",
    "still shot",
    "fixed camera",
    "a fixed shot",
    "the camera is fixed",
    "the camera is static",
    "the camera stays still",
    "the camera remains still",
    "the camera holds still",
    "the camera stands still",
    "the camera rests",
    "the camera does not move at all",
    "the camera is not moving",
    "hold still",
    "stay still",
    "do not move",
    "don't move",
    "no motion",
    "no movement",
    "no camera movement",
    "without movement",
    "without any motion",
    "motionless",
    "everything is still",
    "nothing is moving",
    "locked shot",
    "locked camera",
    "tripod shot",
    "freeze",
    "frozen",
)


def _as(templates: tuple[str, ...], way: str) -> tuple[str, ...]:
    return tuple(template.format(way=way) for template in templates)


CAMERA: dict[str, tuple[str, ...]] = {
    "pan left": _as(_SIDEWAYS, "left"),
    "pan right": _as(_SIDEWAYS, "right"),
    "pan up": (*_as(_UPRIGHT, "up"), "the camera rises", "the camera climbs", "rising shot"),
    "pan down": (*_as(_UPRIGHT, "down"), "the camera lowers", "the camera descends", "the camera sinks"),
    "zoom in": _INWARDS,
    "zoom out": _OUTWARDS,
    "rotate clockwise": (
        *_as(_TURNING, "clockwise"),
        *_as(("roll {way}", "roll to the {way}", "rotate {way}", "rotate to the {way}"), "right"),
    ),
    "rotate counterclockwise": (
        *(phrase for way in ("counterclockwise", "counter-clockwise") for phrase in _as(_TURNING, way)),
        *(phrase for way in ("anticlockwise", "anti-clockwise") for phrase in _as(_TURNING, way)),
        *_as(("roll {way}", "roll to the {way}", "rotate {way}", "rotate to the {way}"), "left"),
    ),
    "still": _RESTING,
}
SLOWLY = (
    "slowly",
    "gently",
    "smoothly",
    "steadily",
    "gradually",
    "slightly",
    "quickly",
    "fast",
    "then",
    "now",
)
ENDS = (".", ",", ";", "!", " -", ":")
LONGEST = 30  # words beside a command


def wordings() -> tuple[str, ...]:
    """All that is said here, for a vocabulary."""
    return (*(phrase for phrases in CAMERA.values() for phrase in phrases), *SLOWLY, *ENDS)


def command(rng: np.random.Generator) -> tuple[str, str]:
    """A caption and what it means, in the plainest words: one of the world's own half of the time, else one
    `of_people`."""
    if rng.random() < 0.5:
        drawn = _of_the_world(rng)
        return drawn.told(rng), drawn.meant
    said, camera = of_people(rng)
    return said, captions.plain_caption(camera)


def of_people(rng: np.random.Generator) -> tuple[str, str]:
    """A camera's motion in any of its wordings, among words of no meaning; and which motion it is."""
    camera = pick(rng, motion.CAMERA)
    before, after = _beside(rng), _beside(rng)
    return _punctuated(rng, before, of_camera(rng, camera), after), camera


def of_camera(rng: np.random.Generator, camera: str) -> str:
    """A camera's motion in any of its wordings."""
    said = pick(rng, CAMERA[camera]) if rng.random() < 0.7 else captions.motion_caption(rng, camera, None, "")
    return _hurried(rng, said)


def _of_the_world(rng: np.random.Generator) -> script.Script:
    kind = rng.random()
    if kind < 0.5:
        return script.nature(rng, turned=0.5, freedom=1.0)
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
    words.insert(int(rng.integers(len(words) + 1)), pick(rng, SLOWLY) if rng.random() < 0.7 else UNKNOWN)
    return " ".join(words)


def _punctuated(rng: np.random.Generator, *parts: str) -> str:
    said = [part for part in parts if part]
    joined = said[0]
    for part in said[1:]:
        joined += (pick(rng, ENDS) if rng.random() < 0.7 else "") + " " + part
    return joined + ("." if rng.random() < 0.3 else "")
