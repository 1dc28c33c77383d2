"""How people say what a thing does: verbs, what goes with them, and the sentences around both."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from model.train.captions import pick

SAID = (  # of a thing that does it
    "the {noun} {does} {how}",
    "the {noun} {does} {how}",
    "the {noun} is {doing} {how}",
    "{noun} {doing} {how}",
    "{noun} {does} {how}",
    "a {noun} {doing} {how}",
    "a {noun} that {does} {how}",
    "a {noun} that is {doing} {how}",
    "we see the {noun} {doing} {how}",
    "see the {noun} {do} {how}",
    "watch the {noun} {do} {how}",
    "make the {noun} {do} {how}",
    "let the {noun} {do} {how}",
    "have the {noun} {do} {how}",
    "i want the {noun} to {do} {how}",
    "the {noun} should {do} {how}",
    "the {noun} must {do} {how}",
    "the {noun} will {do} {how}",
    "the {noun} starts to {do} {how}",
    "the {noun} starts {doing} {how}",
    "the {noun} begins to {do} {how}",
    "the {noun} keeps {doing} {how}",
    "as the {noun} {does} {how}",
    "while the {noun} {does} {how}",
)
DONE = ("{do} the {noun} {how}", "{do} the {noun} {how}", "{doing} the {noun} {how}")  # to a thing


@dataclass(frozen=True)
class Doing:
    """Any of `verbs`, which say what a thing does, or of `acts`, which say what is done to it, with any of
    `how`. A verb is told in three forms: "go/goes/going"."""

    verbs: tuple[str, ...]
    how: tuple[str, ...] = ("",)
    acts: tuple[str, ...] = ()


def _regular(*verbs: str) -> tuple[str, ...]:
    return tuple(f"{verb}/{verb}s/{verb}ing" for verb in verbs)


_GO = (
    *_regular("drift", "float", "travel", "shift", "roll", "walk", "head"),
    "move/moves/moving",
    "go/goes/going",
    "slide/slides/sliding",
    "fly/flies/flying",
    "glide/glides/gliding",
    "run/runs/running",
    "drive/drives/driving",
    "race/races/racing",
)
_TAKE = (
    *_regular("push", "pull", "shift", "drag", "send", "roll"),
    "move/moves/moving",
    "slide/slides/sliding",
    "bring/brings/bringing",
    "drive/drives/driving",
)
_BECOME = ("get/gets/getting", "become/becomes/becoming")
_ROUND = (
    "in a circle",
    "in circles",
    "around in circles",
    "around in a circle",
    "round in circles",
    "round in a circle",
    "around and around",
    "round and round",
    "along a circle",
    "on a circle",
    "in an orbit",
)
_SIDE = (
    "{way}",
    "{way}",
    "to the {way}",
    "to the {way}",
    "towards the {way}",
    "toward the {way}",
    "{way}wards",
    "{way}ward",
    "over to the {way}",
    "away to the {way}",
    "out to the {way}",
    "to the {way} side",
    "from the {back} to the {way}",
    "from {back} to {way}",
)


def _aside(way: str, back: str) -> tuple[Doing, ...]:
    return (Doing(_GO, tuple(how.format(way=way, back=back) for how in _SIDE), _TAKE),)


OBJECT: dict[str, tuple[Doing, ...]] = {
    "move left": _aside("left", "right"),
    "move right": _aside("right", "left"),
    "move up": (
        Doing(_GO, ("up", "up", "upwards", "upward", "to the top", "straight up", "up high"), _TAKE),
        Doing(
            (
                *_regular("climb", "ascend", "soar"),
                "rise/rises/rising",
                "rise/rises/rising",
                "lift/lifts/lifting",
            ),
            ("", "", "up", "upwards", "into the air", "to the top", "higher", "higher and higher"),
            ("lift/lifts/lifting", "raise/raises/raising"),
        ),
    ),
    "move down": (
        Doing(
            _GO,
            ("down", "down", "downwards", "downward", "to the bottom", "straight down", "down low"),
            _TAKE,
        ),
        Doing(
            (
                *_regular("fall", "fall", "sink", "descend", "tumble"),
                "drop/drops/dropping",
                "drop/drops/dropping",
            ),
            ("", "", "down", "downwards", "to the ground", "to the bottom", "lower", "lower and lower"),
            ("drop/drops/dropping", "lower/lowers/lowering"),
        ),
    ),
    "bounce": (
        Doing(
            (*_regular("jump", "leap", "spring"), "bounce/bounces/bouncing", "hop/hops/hopping"),
            ("", "", "up and down", "in place", "around", "up and down in place", "high", "again and again"),
            ("bounce/bounces/bouncing",),
        ),
        Doing(("move/moves/moving", "go/goes/going"), ("up and down", "up and down again")),
    ),
    "grow": (
        Doing(
            (*_regular("grow", "grow", "expand", "swell"), "inflate/inflates/inflating"),
            ("", "", "in size", "more and more"),
            (*_regular("grow", "expand"), "inflate/inflates/inflating", "enlarge/enlarges/enlarging"),
        ),
        Doing(("increase/increases/increasing", "double/doubles/doubling"), ("in size",)),
        Doing(
            (*_BECOME, *_regular("grow")),
            ("bigger", "larger", "big", "large", "huge", "bigger and bigger", "larger and larger"),
        ),
    ),
    "shrink": (
        Doing(
            (*_regular("shrink", "shrink", "contract"), "deflate/deflates/deflating"),
            ("", "", "in size", "more and more"),
            (*_regular("shrink", "shrink"), "deflate/deflates/deflating", "reduce/reduces/reducing"),
        ),
        Doing(("decrease/decreases/decreasing", "halve/halves/halving"), ("in size",)),
        Doing(
            (*_BECOME, *_regular("shrink")),
            ("smaller", "small", "tiny", "little", "smaller and smaller", "tinier"),
        ),
    ),
    "orbit": (
        Doing(
            (*_regular("orbit", "orbit"), "circle/circles/circling", "revolve/revolves/revolving"),
            ("", "", "around", "around the middle", "around the center", "around a point"),
        ),
        Doing(_GO, _ROUND, _TAKE),
    ),
    "still": (
        Doing(
            (*_regular("stay", "stay", "remain", "stand", "rest"), "hold/holds/holding"),
            ("still", "still", "in place", "where it is", "motionless", "at rest"),
        ),
        Doing(("not move/does not move/not moving",)),
    ),
}


def said(rng: np.random.Generator, thing: str, noun: str) -> str:
    """That what is called `noun` does as `thing` says, in any words; now and then it is called "it"."""
    doing = pick(rng, OBJECT[thing])
    acts = bool(doing.acts) and rng.random() < 0.2
    verb, how = pick(rng, doing.acts if acts else doing.verbs), pick(rng, doing.how)
    told = _told(pick(rng, DONE if acts else SAID), verb, how, noun)
    return told.replace(f"the {noun}", "it") if rng.random() < 0.1 else told


def wordings() -> Iterator[tuple[str, str]]:
    """Every wording, of an object, and the motion that it means."""
    for thing, doings in OBJECT.items():
        for doing in doings:
            for verbs, sentences in ((doing.verbs, SAID), (doing.acts, DONE)):
                for verb, how, sentence in product(verbs, doing.how, sentences):
                    yield _told(sentence, verb, how, "object"), thing


def phrases() -> tuple[str, ...]:
    """All that is said here, for a vocabulary."""
    doings = [doing for doings in OBJECT.values() for doing in doings]
    beside = (part.replace("/", " ") for doing in doings for part in (*doing.verbs, *doing.acts, *doing.how))
    sentences = (_told(sentence, "//", "", "") for sentence in (*SAID, *DONE))
    return (*beside, *sentences)


def _told(sentence: str, verb: str, how: str, noun: str) -> str:
    do, does, doing = verb.split("/")
    said = sentence.format(noun=noun, do=do, does=does, doing=doing, how=how)
    return " ".join(said.split())
