"""Training recipes, as data: `full` for a model worth serving, `finish` to go on from its weights (with
`--weights-from`), `smoke` runs the same chain in under a minute.

The shipped DiT went the stages of `full` in one run of 112 minutes, the last two settled while it ran, and
then those of `finish` in 20 (LOG.md, "the seventh run" and "the finishing run").
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Autoencoding:
    steps: int
    batch: int = 16
    crop: int = 128
    lr: float = 8e-4
    noise: float = 0.02


@dataclass(frozen=True)
class Stage:
    """What a step sees until `until` (0 to 1, the share of the training that is over): `clips` clips
    of `size` pixels and `pictures` single pictures in full size.

    A smaller clip costs less in proportion, and what is learned on it (where to look for what moved) holds
    on a larger one. `scenes` of the clips show a coloured shape, the others texture, `turned` of
    which are zoomed or turned, the rest panned or still; `freedom` of the captions use the whole grammar, the
    others name the motion in its plainest words. `weight` is that of the pictures' loss beside the clips'.
    """

    until: float
    size: int
    clips: int
    pictures: int
    scenes: float
    turned: float
    freedom: float
    weight: float = 1.0


@dataclass(frozen=True)
class Matching:
    """Flow matching. Of what a step sees, `fresh` clips and a quarter of the pictures are new.

    Zooms and turns come first: pans, which move everything by far, would take over what starts out to serve
    them (LOG.md).
    """

    steps: int
    stages: tuple[Stage, ...] = (
        Stage(0.047, size=128, clips=8, pictures=0, scenes=0.0, turned=1.0, freedom=0.0),
        Stage(0.15, size=128, clips=8, pictures=0, scenes=0.0, turned=0.5, freedom=0.0),
        Stage(0.25, size=256, clips=3, pictures=0, scenes=0.0, turned=0.7, freedom=0.3),
        Stage(0.43, size=256, clips=2, pictures=12, scenes=0.25, turned=0.7, freedom=0.6),
        Stage(0.75, size=256, clips=1, pictures=20, scenes=0.25, turned=0.7, freedom=0.6, weight=3.0),
        Stage(1.0, size=256, clips=2, pictures=12, scenes=0.2, turned=0.7, freedom=0.6, weight=1.5),
    )
    shift: float = 5.0  # of the sigmas that are drawn
    pure_clips: float = 0.6  # the share of clips at sigma 1: in four steps, the motion is decided there
    pure_pictures: float = 0.25  # in sixteen steps, a shape is not
    fresh: int = 1
    pool: int = 768
    first: int = 96  # clips to start with
    lr: float = 1e-3
    warmup: int = 100
    ema: float = 0.998
    fall: float = 0.2  # the last part of the run, in which the learning rate falls
    words_pace: float = 0.05  # the text encoder's learning rate, as a share
    caption_dropout: float = 0.08
    patch: int = 2
    width: int = 192  # hidden size
    heads: int = 3
    rope: tuple[int, int, int] = (16, 24, 24)
    double_blocks: int = 2
    single_blocks: int = 4
    tokens_width: int = 192
    save_every: int = 100


@dataclass(frozen=True)
class Recipe:
    autoencoder: Autoencoding
    dit: Matching
    seed: int = 0


RECIPES = {
    "full": Recipe(Autoencoding(steps=900), Matching(steps=12000)),
    "finish": Recipe(
        Autoencoding(steps=900),
        Matching(
            steps=12000,
            stages=(
                Stage(0.45, size=256, clips=2, pictures=16, scenes=0.2, turned=0.7, freedom=0.6, weight=2.5),
                Stage(1.0, size=256, clips=3, pictures=10, scenes=0.2, turned=0.7, freedom=0.6, weight=1.5),
            ),
            lr=8e-4, warmup=20, ema=0.99, fall=0.4, words_pace=0.02,
        ),
        seed=10,
    ),
    "smoke": Recipe(
        Autoencoding(steps=20, batch=4, crop=64),
        Matching(
            steps=6, stages=(Stage(0.5, 128, 2, 0, 0.0, 1.0, 0.0), Stage(1.0, 256, 2, 2, 0.4, 0.4, 0.7)),
            pool=8, first=2, warmup=2, width=64, heads=1, double_blocks=1, single_blocks=1, tokens_width=64,
            save_every=3,
        ),
    ),
}  # fmt: skip
