"""Clips rendered by several processes."""

import torch

from model.train.filmed import Filmed, Shots
from model.train.loaders import stream
from model.train.recipe import Stage

STAGE = Stage(1.0, size=32, clips=1, pictures=9, scenes=0.5, turned=0.5, grown=0.5)


def two_from(seed: int) -> list[list[Shots]]:
    filmed = stream(Filmed(seed, STAGE, fresh=2, frames=5, thumbnail=16), 2)
    return [next(filmed) for _ in range(2)]


def test_each_loader_has_a_stream_of_its_own_and_repeats_it() -> None:
    first, second = two_from(3)
    clips, pictures = first
    assert clips.frames.shape == (2, 5, 32, 32, 3)
    assert pictures.frames.shape == (2, 1, 256, 256, 3)  # an eighth of nine, rounded up; always in full
    assert clips.thumbnails.shape == (2, 16, 16, 3)
    assert len(clips.captions) == 2
    assert not torch.equal(clips.frames, second[0].frames)
    again, _ = two_from(3)
    assert torch.equal(again[0].frames, clips.frames)
    assert again[0].captions == clips.captions
    assert not torch.equal(two_from(4)[0][0].frames, clips.frames)
