"""Pictures as people ask for them: a coloured shape on a coloured background in more words, and in another
order, than the world's captions know."""

import re
from dataclasses import dataclass

import numpy as np

from model.train import captions, commands, motion
from model.train.captions import pick
from model.train.textures import BACKGROUNDS, COLOURS, SHAPES

ALSO: dict[str, tuple[str, ...]] = {  # other names of colours, shapes and kinds of background
    "red": ("crimson", "scarlet", "bright red"),
    "orange": ("bright orange",),
    "yellow": ("golden", "bright yellow"),
    "green": ("emerald", "dark green", "grass green"),
    "cyan": ("turquoise", "aqua"),
    "blue": ("navy", "azure", "dark blue", "deep blue"),
    "purple": ("violet", "deep purple"),
    "pink": ("rose", "light pink"),
    "white": ("pure white", "snow white"),
    "black": ("pure black", "jet black"),
    "circle": ("disc", "disk", "ball", "dot", "sphere"),
    "square": ("box", "block", "cube"),
    "triangle": ("pyramid",),
    "star": ("five-pointed star",),
    "cross": ("plus", "plus sign"),
    "striped": ("stripy",),
    "checkered": ("chequered", "checked", "checkerboard"),
    "spotted": ("dotted", "polka dot"),
    "cloudy": ("clouded", "mottled"),
}
SIZES = ("big", "large", "small", "little", "huge", "single", "simple", "bright", "flat", "solid", "lone")
THINGS = (
    "{c} {s}",
    "{c} {s}",
    "{c} {s}",
    "{c} coloured {s}",
    "{c} colored {s}",
    "{s} in {c}",
    "{s} of {c} colour",
    "{s} that is {c}",
    "{s} which is {c}",
    "{s}, {c},",
)
GROUNDS = (
    "{g} background",
    "{g} background",
    "{g} background",
    "{g} backdrop",
    "{g} canvas",
    "{g} field",
    "{g} surface",
    "{g} ground",
    "{g} wall",
    "{g} floor",
    "{g} paper",
    "{g} area",
    "background in {g}",
    "background of {g}",
    "background that is {g}",
)
JOINED = (
    "a {thing} on a {ground}",
    "a {thing} on a {ground}",
    "a {thing} on {ground}",
    "a {thing} on {{g}}",
    "a {thing} on a field of {{g}}",
    "a {thing} on top of a {ground}",
    "a {thing} against a {ground}",
    "a {thing} against {{g}}",
    "a {thing} over a {ground}",
    "a {thing} over {{g}}",
    "a {thing} before a {ground}",
    "a {thing} before {{g}}",
    "a {thing} in front of a {ground}",
    "a {thing} with a {ground}",
    "a {thing} with a {ground} behind it",
    "a {thing}, {ground}",
    "{thing}, {ground}",
    "{thing}; {ground}",
    "{thing}. {ground}",
    "{thing} - {ground}",
    "{thing} and {ground}",
    "the {thing} is on a {ground}",
    "a {thing} sits on a {ground}",
    "a {thing} placed on a {ground}",
    "there is a {thing} in the middle of a {ground}",
    "a {thing} in the center of a {ground}",
    "a {thing} surrounded by {{g}}",
    "a {ground} and a {thing} on it",
    "a {ground}, a {thing}",
    "a {ground}. a {thing}",
    "{ground}, {thing}",
    "{ground}; {thing}",
    "{ground}: {thing}",
    "{ground} and {thing}",
    "{ground} with {thing}",
    "{ground} and in the centre a {thing}",
    "a {ground} with a {thing} on it",
    "a {ground} with a {thing} in the centre",
    "a {ground} behind a {thing}",
    "a {ground} showing a {thing}",
    "in front of a {ground} there is a {thing}",
    "against a {ground} stands a {thing}",
    "before a {ground}: a {thing}",
    "on a {ground} we see a {thing}",
)
APART = (  # that say of colours and shapes by themselves
    "a {s} on a {g} background, the {s} is {c}",
    "a {c} {s}, the rest is {g}",
    "a {c} {s} and the rest {g}",
    "a {c} {s}, {g} around it",
    "a {c} {s}, all around is {g}",
    "all {g} but for a {c} {s}",
    "{g} everywhere, and a {c} {s}",
    "a {c} {s} and {g} everywhere else",
    "a {c} {s}, the background is {g}",
    "the background is {g}, the {s} is {c}",
    "the background is {g} and there is a {c} {s}",
    "make the background {g} and the {s} {c}",
    "{s} colour {c}, background colour {g}",
    "background: {g}. shape: {s}. colour: {c}",
    "shape {s}, {c}, background {g}",
)
ASKED = (
    "draw",
    "paint",
    "show",
    "show me",
    "make",
    "create",
    "generate",
    "render",
    "i want",
    "give me",
    "an image of",
    "a picture of",
    "a photo of",
    "a drawing of",
    "a painting of",
    "an illustration of",
    "a video of",
)
NOUNS = ("object", "shape", "thing", "figure")
PRAISED = ("high quality", "4k", "detailed", "centered", "minimalist", "flat design", "simple shapes", "hd")
KNOWN = (*ALSO, *(word for words in ALSO.values() for word in words))


@dataclass(frozen=True)
class Asked:
    """A prompt, the colour, the shape and the background's colour that it names, and the background's kind.
    Of the motions that it commands, if any, one is still; a film of none zooms in."""

    said: str
    named: tuple[str, str, str]
    kind: str
    camera: str = "zoom in"
    thing: str = "still"


def phrases() -> tuple[str, ...]:
    """All that is said here, for a vocabulary."""
    said = (*KNOWN, *SIZES, *THINGS, *GROUNDS, *JOINED, *APART, *ASKED, *NOUNS, *PRAISED)
    return tuple(re.sub(r"{\w+}", " ", phrase) for phrase in said)


def picture(
    rng: np.random.Generator,
    *,
    patterned: float = 0.3,
    grounded: float = 0.92,
    filming: float = 0.33,
    moving: float = 0.1,
) -> Asked:
    """Of `patterned` any kind of background is named, of `grounded` any: else it is white, or black behind
    what is white. Of `filming` the camera is commanded as well, of `moving` the shape."""
    colour, ground = rng.choice(list(COLOURS), 2, replace=False).tolist()
    shape, kind = pick(rng, SHAPES), pick(rng, BACKGROUNDS) if rng.random() < patterned else "plain"
    kinds = "" if kind == "plain" else f"{kind} "
    names = {"c": _named(rng, colour), "s": _named(rng, shape), "g": _named(rng, kinds) + _named(rng, ground)}
    if rng.random() >= grounded:
        ground, kind, kinds = "black" if colour == "white" else "white", "plain", ""
        said = pick(rng, ("a {thing}", "a {thing}", "{thing}")).format(thing=_thing(rng)).format(**names)
    elif (way := rng.random()) < 0.2:
        said = pick(rng, APART).format(**names)
    elif way < 0.35:
        said = _in_no_grammar(rng, "a " + _thing(rng), "{g}").format(**names)
    else:
        said = pick(rng, JOINED).format(thing=_thing(rng), ground=pick(rng, GROUNDS)).format(**names)
    if rng.random() < 0.4:
        said = f"{pick(rng, ASKED)} {said}"
    said = re.sub(r"\ba (?=[aeio])", "an ", said)
    said = said.replace(",,", ",").removesuffix(",")
    if rng.random() < 0.2:
        said = re.sub(r"\b(an?|the) ", "", said)
    if rng.random() < 0.2:
        said += pick(rng, (", ", " ", ". ")) + pick(rng, PRAISED)
    if rng.random() < 0.2:
        said = _among_others(rng, said)
    named, moved = (colour, shape, ground), rng.random()
    if moved < filming:
        camera = pick(rng, motion.CAMERA)
        said = _joined(rng, said, commands.of_camera(rng, camera))
        return Asked(said, named, kind, camera)
    if moved < filming + moving:
        thing = pick(rng, motion.OBJECT)
        said = _joined(rng, said, commands.of_thing(rng, thing, _noun(rng, colour, shape)))
        return Asked(said, named, kind, "still", thing)
    return Asked(said + ("." if rng.random() < 0.2 else ""), named, kind)


def moved(rng: np.random.Generator) -> tuple[str, str]:
    """A command to a thing that is there, and which motion it is."""
    thing, noun = pick(rng, motion.OBJECT), _noun(rng, pick(rng, tuple(COLOURS)), pick(rng, SHAPES))
    return commands.to_a_thing(rng, thing, noun), thing


def _noun(rng: np.random.Generator, colour: str, shape: str) -> str:
    other = _named(rng, shape)
    return pick(rng, (shape, f"{colour} {shape}", other, f"{_named(rng, colour)} {other}", *NOUNS))


def _joined(rng: np.random.Generator, said: str, told: str) -> str:
    end = "." if rng.random() < 0.2 else ""
    if rng.random() < 0.2:
        return f"{told}. {said}{end}"
    return said + pick(rng, (", ", ". ", " and ", "; ")) + told + end


def _thing(rng: np.random.Generator) -> str:
    return (pick(rng, SIZES) + " " if rng.random() < 0.3 else "") + pick(rng, THINGS)


def _in_no_grammar(rng: np.random.Generator, thing: str, ground: str) -> str:
    """Whatever stands between them: the colour that is not the thing's is the background's."""

    def others(least: int) -> list[str]:
        count = int(rng.integers(least, 4))
        return [captions.UNKNOWN if rng.random() < 0.6 else pick(rng, captions.FILLER) for _ in range(count)]

    comma = "," if rng.random() < 0.4 else ""
    if rng.random() < 0.6:
        return " ".join([*others(0), thing + comma, *others(1), ground])
    return " ".join([*others(0), ground + comma, *others(1), thing])


def _named(rng: np.random.Generator, word: str) -> str:
    """`word`, or now and then another for it."""
    known = word.strip()
    if known in ALSO and rng.random() < 0.3:
        return word.replace(known, pick(rng, ALSO[known]))
    return word


def _among_others(rng: np.random.Generator, said: str) -> str:
    """With one to three words that nobody knows."""
    words = said.split(" ")
    for _ in range(int(rng.integers(1, 4))):
        words.insert(int(rng.integers(len(words) + 1)), captions.UNKNOWN)
    return " ".join(words)
