"""Brief trainings side by side: clips from their captions alone, and the comparison of what comes of them."""

import csv
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.engine import Engine
from model.evaluate import brief
from model.load import WEIGHTS, load_engine
from model.train.feed import Feed
from model.train.recipe import RECIPES, Data, Stage
from tests.tiny import build_engine

SMALL = Stage(1.0, size=64, clips=2, pictures=0, scenes=0.0, turned=0.5)


@pytest.mark.parametrize(("contexts", "latents"), [((0,), 7), ((1,), 7), ((2,), 8)])
def test_a_feed_gives_what_its_recipe_says(
    tiny_engine: Engine, tmp_path: Path, contexts: tuple[int, ...], latents: int
) -> None:
    tiny_engine.family.autoencoder.save_pretrained(tmp_path)
    data = Data((SMALL,), pool=4, first=2, contexts=contexts)
    feed = Feed(
        data, tmp_path, tiny_engine.family.conditioner, new=6, dropout=0.0, seed=1, device=torch.device("cpu")
    )
    feed.stage(0.0, 0)
    batch = feed.clips(2)
    assert batch.latents.shape[2] == latents
    if contexts == (0,):
        assert batch.context is None
        assert batch.thumbnails is None
    else:
        assert batch.context is not None
        assert batch.context.shape[2] == contexts[0]
        assert batch.thumbnails is not None


def test_without_a_first_frame_the_caption_alone_decides() -> None:
    engine = brief.shrunk(build_engine(), 64)
    one, other = brief.held_out(SMALL, 2)
    film: Callable[..., np.ndarray] = lambda clip, **more: brief.first_window(  # noqa: E731
        engine, clip, 0, steps=1, guidance=1.0, **more
    )
    swapped = replace(one, frames=other.frames)
    np.testing.assert_array_equal(film(one, given=False), film(swapped, given=False))
    assert (film(one, given=True) != film(swapped, given=True)).any()
    np.testing.assert_array_equal(film(one, given=True)[0], one.frames[0])


def test_the_compared_recipes_differ_in_the_context_alone() -> None:
    ours, theirs = RECIPES["image-to-video"], RECIPES["text-to-video"]
    assert ours.teacher.data.contexts == ours.student.data.contexts == (1,)
    assert theirs.teacher.data.contexts == theirs.student.data.contexts == (0,)
    for of in ("teacher", "student"):
        one, other = getattr(ours, of), getattr(theirs, of)
        assert replace(one, data=other.data) == other
        assert replace(one.data, contexts=other.data.contexts) == other.data


def test_small_windows_are_the_middle_of_full_ones() -> None:
    engine = load_engine(WEIGHTS / "mini")
    whole, _ = engine.transformer.rope(torch.empty(1, 1, 1, 32, 32))
    brief.shrunk(engine, 128)
    middle, _ = engine.transformer.rope(torch.empty(1, 1, 1, 16, 16))
    torch.testing.assert_close(middle.view(8, 8, -1), whole.view(16, 16, -1)[4:12, 4:12])
    assert engine.config.latent_shape(7)[-2:] == (16, 16)


@pytest.mark.slow
def test_it_writes_a_row_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "rows.csv"
    argv = ["--scale", "text-to-video", "--steps", "1", "--guidance", "2", "--clips", "24"]
    monkeypatch.setattr(sys, "argv", ["brief", *argv, "--csv", str(written), str(WEIGHTS / "mini")])
    brief.main()
    others, clips, mini = csv.DictReader(written.read_text().splitlines())
    assert float(clips["frechet"]) == pytest.approx(0, abs=0.01)
    assert float(clips["motion"]) > 0.8
    assert float(mini["frechet"]) > float(others["frechet"]) > 1
