"""What a prompt means, as the vector that the text encoder is to give for it.

Every motion, colour, shape and background has one of fixed orthogonal vectors; a prompt means the sum of
those that it names, so that no two meanings are alike and each can be read off by itself. Nothing said, which
is what guidance leads away from, is a meaning too.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from model.train import motion
from model.train.textures import BACKGROUNDS, COLOURS, SHAPES

FILM = {"camera": motion.CAMERA, "thing": motion.OBJECT}
PICTURE = {"colour": tuple(COLOURS), "shape": SHAPES, "ground": tuple(COLOURS), "kind": BACKGROUNDS}
SIZE = 1.4  # of a meaning's numbers, root mean square


class Meanings:
    """Of FILM's prompts or of PICTURE's; `width` is the text encoder's."""

    def __init__(self, slots: Mapping[str, tuple[str, ...]], width: int, *, first: int = 0) -> None:
        """`first` is how many of the orthogonal vectors are others' already."""
        count = sum(map(len, slots.values()))
        basis = torch.empty(width, width)
        torch.nn.init.orthogonal_(basis, generator=torch.Generator().manual_seed(0))
        codes = SIZE * (width / len(slots)) ** 0.5 * basis[first : first + count]
        self._nothing = SIZE * width**0.5 * basis[-1]
        self.slots = dict(slots)
        self._codes = dict(zip(slots, codes.split([len(names) for names in slots.values()]), strict=True))

    def of(self, named: Mapping[str, str]) -> Tensor:
        """[width]: what names a value for each slot, or nothing at all."""
        if not named:
            return self._nothing
        return torch.stack(
            [self._codes[slot][self.slots[slot].index(named[slot])] for slot in self.slots]
        ).sum(0)

    def read(self, told: Tensor) -> list[dict[str, str]]:
        """What each of [B, width] says: the value of each slot that it holds most of."""
        found = {slot: (told @ codes.to(told).T).argmax(1).tolist() for slot, codes in self._codes.items()}
        return [{slot: self.slots[slot][found[slot][row]] for slot in self.slots} for row in range(len(told))]


def meanings(width: int) -> dict[bool, Meanings]:
    """Those of a film's prompts (True) and of a picture's (False)."""
    film = Meanings(FILM, width)
    return {True: film, False: Meanings(PICTURE, width, first=sum(map(len, FILM.values())))}
