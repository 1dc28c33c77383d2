"""What prompts mean, and that a text encoder learns it."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.conditioning import Conditioner
from model.train import motion, words
from model.train.meaning import FILM, PICTURE, meanings
from model.train.mini import conditioner
from model.train.recipe import SMALLEST, Wording
from model.train.textures import COLOURS

WIDTH = 64


def test_a_meaning_can_be_read_off() -> None:
    rng = np.random.default_rng(0)
    for meant in meanings(WIDTH).values():
        drawn = [{slot: str(rng.choice(names)) for slot, names in meant.slots.items()} for _ in range(50)]
        assert meant.read(torch.stack([meant.of(named) for named in drawn])) == drawn


def test_no_two_meanings_share_a_direction() -> None:
    """Of a film's prompts, of a picture's, and nothing said."""
    film, picture = (meanings(WIDTH)[filmed] for filmed in (True, False))
    moved = [film.of({"camera": camera, "thing": "still"}) for camera in motion.CAMERA]
    painted = [
        picture.of({"colour": colour, "shape": "star", "ground": "red", "kind": "plain"})
        for colour in COLOURS
    ]
    for of_one, of_other in ((moved, painted), (moved, [film.of({})]), (painted, [picture.of({})])):
        assert (torch.stack(of_one) @ torch.stack(of_other).T).abs().max() < 1e-3
    apart = torch.pdist(torch.stack(moved))
    torch.testing.assert_close(apart, apart[:1].expand_as(apart))
    torch.testing.assert_close(film.of({}), picture.of({}))


def test_prompts_are_drawn_of_everything() -> None:
    rng = np.random.default_rng(0)
    for said, slots in ((words.film, FILM), (words.picture, PICTURE)):
        drawn = [named for _, named in (said(rng) for _ in range(1500)) if named]
        for slot, names in slots.items():
            counted = Counter(named[slot] for named in drawn)
            assert set(counted) == set(names), slot
            assert min(counted.values()) > 10, counted


def test_both_may_move_or_neither() -> None:
    rng = np.random.default_rng(0)
    drawn = [
        (named["camera"] != "still", named["thing"] != "still") for _, named in map(words.film, [rng] * 800)
    ]
    assert min(Counter(drawn).values()) > 5
    assert len(set(drawn)) == 4


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Conditioner:
    """By a few seconds of training."""
    folder = tmp_path_factory.mktemp("words")
    recipe = Wording(steps=300, prompts=48, lr=3e-3, warmup=10)
    words.train(folder, recipe, SMALLEST.geometry, seed=0, device=torch.device("cpu"))
    found = conditioner(SMALLEST.geometry)
    found.text = type(found.text).from_pretrained(folder / "text_encoder")
    return found.eval()


def share(taught: Conditioner, *, filmed: bool) -> dict[str, float]:
    """Of new prompts, the share whose meaning is read right, slot by slot; what rests is not counted."""
    rng, meant = np.random.default_rng(1), meanings(SMALLEST.geometry.tokens_width)[filmed]
    drawn = [(words.film if filmed else words.picture)(rng) for _ in range(300)]
    drawn = [(said, named) for said, named in drawn if named]
    with torch.inference_mode():
        told = taught.read(*taught.tokenize([said for said, _ in drawn]), filmed=filmed).pooled
    read = meant.read(told)
    pairs = list(zip(read, (named for _, named in drawn), strict=True))
    return {
        slot: float(np.mean([one[slot] == named[slot] for one, named in pairs if named[slot] != "still"]))
        for slot in meant.slots
    }


def test_seconds_of_training_tell_prompts_apart(taught: Conditioner) -> None:
    chance = {slot: 1 / len(names) for slot, names in (FILM | PICTURE).items()}
    told = share(taught, filmed=True) | share(taught, filmed=False)
    assert all(told[slot] > 2.5 * chance[slot] for slot in chance), told


def test_training_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    recipe = Wording(steps=4, prompts=4, warmup=2, save_every=2)
    device = torch.device("cpu")
    words.train(tmp_path, replace(recipe, steps=2), SMALLEST.geometry, seed=0, device=device)
    before = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"]
    words.train(tmp_path, recipe, SMALLEST.geometry, seed=0, device=device)
    assert (before, torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"]) == (2, 4)
