"""Is a command understood, whatever its words? Asks the text encoder alone, so it takes seconds."""

import numpy as np
import torch
from torch import Tensor

from model.conditioning import Conditioner
from model.evaluate.films import COMMANDS, HELD_OUT_SEED
from model.train import captions, commands, motion, script
from model.train.captions import pick
from model.train.textures import SHAPES

MOVING = tuple(thing for thing in motion.OBJECT if thing != "still")
PLAIN = COMMANDS | {thing: captions.plain_film("still", thing) for thing in MOVING}


def understood(conditioner: Conditioner, count: int) -> dict[str, float]:
    """Of `count` commands to the camera as the world words them, and as many as people do: the share whose
    pooled vector lies nearest, of the nine motions' in plain words, to that of the one that is meant. As many
    about a shape, of whose motions and the camera's it is to be the right one (`things`)."""
    rng = np.random.default_rng(HELD_OUT_SEED + 3)
    drawn = [script.nature(rng, turned=0.5) for _ in range(count)]
    by_the_world = [(one.told(rng), one.camera) for one in drawn]
    by_people = [commands.of_people(rng) for _ in range(count)]
    moving = [pick(rng, MOVING) for _ in range(count)]
    of_things = [(commands.of_thing(rng, thing, pick(rng, (*SHAPES, "object"))), thing) for thing in moving]
    return {
        "commands": count,
        "the_worlds": _share(conditioner, by_the_world),
        "peoples": _share(conditioner, by_people),
        "things": _share(conditioner, of_things, PLAIN),
    }


def nearest(conditioner: Conditioner, said: list[str], plain: dict[str, str] = COMMANDS) -> list[str]:
    """The motion, of those that `plain` words, that each of `said` is taken for."""
    told = _pooled(conditioner, list(plain.values()))
    return [list(plain)[int(i)] for i in torch.cdist(_pooled(conditioner, said), told).argmin(1)]


def _share(
    conditioner: Conditioner, commands: list[tuple[str, str]], plain: dict[str, str] = COMMANDS
) -> float:
    said, meant = zip(*commands, strict=True)
    taken = nearest(conditioner, list(said), plain)
    return round(float(np.mean([one == wanted for one, wanted in zip(taken, meant, strict=True)])), 4)


@torch.inference_mode()
def _pooled(conditioner: Conditioner, said: list[str]) -> Tensor:
    ids, mask = (tensor.to(conditioner.text.device) for tensor in conditioner.tokenize(said))
    return conditioner.read(ids, mask, filmed=True).pooled.float()
