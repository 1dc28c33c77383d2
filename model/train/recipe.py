"""Training recipes, as data: `full` for a model worth serving, from nothing; `smoke` runs the chain in two
minutes. The rest are for the claims that docs/claims.md measures.

What the shipped weights went through is told in their card.
"""

from dataclasses import dataclass, replace

from model.train import motion


@dataclass(frozen=True)
class Autoencoding:
    steps: int
    batch: int = 16
    crop: int = 128
    lr: float = 8e-4
    noise: float = 0.02


@dataclass(frozen=True)
class Geometry:
    """Of the DiT and of its condition encoders."""

    patch: int = 2
    width: int = 192  # hidden size
    heads: int = 3
    rope: tuple[int, int, int] = (16, 24, 24)
    double_blocks: int = 2
    single_blocks: int = 4
    tokens_width: int = 192


@dataclass(frozen=True)
class Stage:
    """What a step sees until `until` (0 to 1, the share of the training that is over): `clips` clips
    of `size` pixels, `pure` of them at sigma 1, and `pictures` single pictures in full size.

    A smaller clip costs less in proportion, and what is learned on it (where to look for what moved) holds
    on a larger one. `scenes` of the clips show a coloured shape, the others texture, `turned` of
    which are zoomed or turned, the rest panned or still; of the scenes `grown` have a camera that moves
    beside the shape, most of them also a second shape behind the first, of the others `moving` a shape that
    moves as one of `things`. `weight` is that of the pictures' loss beside the clips'.
    """

    until: float
    size: int
    clips: int
    pictures: int
    scenes: float
    turned: float
    grown: float = 0.0
    moving: float = 0.5
    things: tuple[str, ...] = motion.OBJECT
    weight: float = 1.0
    pure: float = 0.15


@dataclass(frozen=True)
class Data:
    """Of what a step sees, `fresh` clips and an eighth of the pictures are new; the rest is drawn from a
    pool. Clips go on from as many latent frames as one of `contexts` says; 0 is text-to-video."""

    stages: tuple[Stage, ...]
    pool: int = 768
    first: int = 96  # clips to start with
    fresh: int = 1
    contexts: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Matching:
    """Flow matching, the teacher's."""

    steps: int
    data: Data
    shift: float = 5.0  # of the sigmas that are drawn
    pure_pictures: float = 0.25  # the share of pictures at sigma 1; of clips a stage says it
    lr: float = 1e-3
    warmup: int = 100
    ema: float = 0.998
    fall: float = 0.2  # the last part of the run, in which the learning rate falls
    caption_dropout: float = 0.08
    image_tokens: bool = True
    save_every: int = 100


@dataclass(frozen=True)
class Distilling:
    """Distribution matching (DMD2), the student's. Weights are those of the terms of its loss."""

    steps: int
    data: Data
    grids: tuple[int, ...] = (4, 8)  # the numbers of steps it learns to sample in
    shift: float = 3.0  # of the sigmas at which teacher and critic judge
    guidance: tuple[float, float] = (2.0, 3.0)  # the teacher's, of clips and of pictures
    matching: float = 1.0
    adversarial: float = 0.02
    truth: float = 0.5  # of the squared distance to the clip that was filmed
    own: float = 0.3  # the share of clips that go on from a window the student made
    lean: float = (
        0.0  # how far the teacher's weights lean to the critic's (MagicDistillation's weak-to-strong)
    )
    blend: float = 0.5  # of the student in the weights that are left; the rest is the teacher's
    lr: float = 1e-4
    critic_lr: float = 3e-4
    warmup: int = 20
    ema: float = 0.98
    fall: float = 0.3
    save_every: int = 50


@dataclass(frozen=True)
class Wording:
    """The text encoder learns what prompts mean. A step sees `prompts` for films and as many for pictures;
    `tokens` is the weight of what a token says beside that of the whole."""

    steps: int = 1500
    prompts: int = 128
    tokens: float = 0.2
    lr: float = 1e-3
    warmup: int = 50
    fall: float = 0.6
    save_every: int = 200


@dataclass(frozen=True)
class Pruning:
    """`share` of the blocks is left out, chosen on `tries` batches; the rest learns for `steps`."""

    steps: int
    data: Data
    share: float = 0.3
    tries: int = 4
    lr: float = 4e-4
    warmup: int = 20
    fall: float = 0.5


@dataclass(frozen=True)
class Recipe:
    autoencoder: Autoencoding
    teacher: Matching
    student: Distilling
    pruned: Pruning
    words: Wording = Wording()
    geometry: Geometry = Geometry()
    seed: int = 0


# A motion is learned where nothing of it shows through the noise, so most clips are `pure` until it is. What
# is slow and steady comes first: pans would take over what starts out to serve zooms, and a cycle is halfway
# a move. What is learned on small clips holds on large ones; beside the pictures they keep it from being
# forgotten. What is harder is shown more often.
STEADY = ("move left", "move right", "move up", "move down", "grow", "shrink", "still")
OFTEN = (*motion.OBJECT, "bounce", "grow", "orbit", "orbit")
TOLD = Stage(0.22, 128, clips=8, pictures=0, scenes=0.5, turned=0.6, moving=0.8, things=OFTEN, pure=0.7)
WHOLE = replace(TOLD, until=1.0, size=256, clips=4, pictures=6, grown=0.15, weight=1.2, pure=0.3)
FROM_NOTHING = Data(
    (
        replace(TOLD, until=0.11, scenes=0.4, turned=1.0, moving=1.0, things=STEADY),
        TOLD,
        replace(TOLD, until=0.6, pictures=20, weight=3.0, pure=0.5),
        WHOLE,
    ),
    pool=2048,
)
FEW = Data((replace(WHOLE, clips=2, pictures=4, grown=0.0),))
DISTILLED = Distilling(steps=180, data=FEW)
PRUNED = Pruning(steps=600, data=FEW)
LONGER = Data(
    (Stage(1.0, size=256, clips=3, pictures=3, scenes=0.3, turned=0.6, grown=0.3),),
    contexts=(1, 2, 4),
)

SMALL = Data((Stage(1.0, 128, 2, 2, 0.4, 0.4, grown=0.5),), pool=8, first=2)
SMALLEST = Recipe(
    Autoencoding(steps=20, batch=4, crop=64),
    Matching(
        steps=6,
        data=Data((Stage(0.5, 128, 2, 0, 0.0, 1.0), Stage(1.0, 256, 2, 2, 0.4, 0.4)), pool=8, first=2),
        warmup=2,
        save_every=3,
    ),
    Distilling(steps=4, data=SMALL, own=0.5, save_every=2),
    Pruning(steps=2, data=SMALL, tries=1),
    Wording(steps=3, prompts=4, save_every=2),
    Geometry(width=64, heads=1, double_blocks=1, single_blocks=2, tokens_width=64),
)
BRIEF = Matching(
    steps=300,
    data=Data((Stage(1.0, size=128, clips=8, pictures=0, scenes=0.0, turned=0.5),)),
    ema=0.98,
    save_every=300,
)
CODING = Autoencoding(steps=2400)
MIXED = Data((Stage(1.0, size=128, clips=8, pictures=0, scenes=0.25, turned=0.5),))
TUNED = Matching(steps=400, data=MIXED, lr=5e-4, warmup=20, ema=0.98, fall=0.5, save_every=400)
MATCHED = Distilling(  # DMD2 alone, at a rate that stays
    steps=60,
    data=Data((replace(MIXED.stages[0], clips=4),)),
    grids=(4,),
    truth=0.0,
    own=0.0,
    blend=1.0,
    lr=2e-4,
    critic_lr=4e-4,
    fall=0.01,
    save_every=60,
)


def compared(contexts: tuple[int, ...]) -> Recipe:
    """The same recipe for a teacher and its student, going on from `contexts` latent frames."""
    tuned = replace(TUNED, data=replace(TUNED.data, contexts=contexts))
    matched = replace(MATCHED, data=replace(MATCHED.data, contexts=contexts))
    return Recipe(CODING, tuned, matched, PRUNED)


RECIPES = {
    "full": Recipe(CODING, Matching(steps=2200, data=FROM_NOTHING, fall=0.3), DISTILLED, PRUNED),
    "contexts": Recipe(
        CODING,
        Matching(steps=1500, data=LONGER, lr=4e-4, warmup=20, ema=0.99, fall=0.5),
        DISTILLED,
        PRUNED,
    ),
    "smoke": SMALLEST,
    "with-image-tokens": Recipe(CODING, BRIEF, DISTILLED, PRUNED),
    "without-image-tokens": Recipe(CODING, replace(BRIEF, image_tokens=False), DISTILLED, PRUNED),
    "image-to-video": compared((1,)),
    "text-to-video": compared((0,)),
}
