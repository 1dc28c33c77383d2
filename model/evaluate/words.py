"""Is a command understood, whatever its words? Asks the text encoder alone, so it takes seconds."""

import numpy as np
import torch
from torch import Tensor

from model.conditioning import Conditioner
from model.evaluate.films import HELD_OUT_SEED
from model.train import captions, commands, motion, script


def understood(conditioner: Conditioner, count: int) -> dict[str, float]:
    """Of `count` commands to the camera as the world words them, and as many as people do: the share whose
    pooled vector lies nearest, of the nine motions' in plain words, to that of the one that is meant."""
    rng = np.random.default_rng(HELD_OUT_SEED + 3)
    drawn = [script.nature(rng, turned=0.5, freedom=1.0) for _ in range(count)]
    by_the_world = [(one.told(rng), one.camera) for one in drawn]
    by_people = [commands.of_people(rng) for _ in range(count)]
    return {
        "commands": count,
        "the_worlds": _share(conditioner, by_the_world),
        "peoples": _share(conditioner, by_people),
    }


def nearest(conditioner: Conditioner, said: list[str]) -> list[str]:
    """The camera motion that each of `said` is taken for."""
    plain = _pooled(conditioner, [captions.plain_caption(camera) for camera in motion.CAMERA])
    return [motion.CAMERA[int(i)] for i in torch.cdist(_pooled(conditioner, said), plain).argmin(1)]


def _share(conditioner: Conditioner, commands: list[tuple[str, str]]) -> float:
    said, meant = zip(*commands, strict=True)
    taken = nearest(conditioner, list(said))
    return round(float(np.mean([one == camera for one, camera in zip(taken, meant, strict=True)])), 4)


@torch.inference_mode()
def _pooled(conditioner: Conditioner, said: list[str]) -> Tensor:
    ids, mask = (tensor.to(conditioner.text.device) for tensor in conditioner.tokenize(said))
    return conditioner.read(ids, mask, filmed=True).pooled.float()
