"""Commands to things are set apart in what the DiT hears, and nothing else is moved."""

import copy
from pathlib import Path

import pytest
import torch

from model.config import EngineConfig
from model.train import captions, motion
from model.train.mini import Mini
from model.train.recipe import Geometry
from model.train.spread import set_apart, simplex

BUNDLED = Path("model/weights/mini")


def test_a_simplex_is_as_wide_as_it_is_told_and_nearest_to_its_points() -> None:
    generator = torch.Generator().manual_seed(3)
    exact = 5 * torch.linalg.qr(torch.randn(12, 4, generator=generator))[0].T  # a regular simplex
    corners = simplex(exact + 0.01 * torch.randn(4, 12, generator=generator), 3.0)
    apart = torch.cdist(corners, corners)[~torch.eye(4, dtype=torch.bool)]
    torch.testing.assert_close(apart, torch.full((12,), 3 * (8 / 3) ** 0.5))
    directions = [points - points.mean(0) for points in (corners, exact)]
    assert torch.cosine_similarity(*directions).min() > 0.99


@pytest.fixture(scope="module")
def mini() -> Mini:
    """The bundled model, its embedder of the pooled vector as new, so that it tells no more than its text
    encoder does."""
    made = Mini(Geometry(), EngineConfig.load(BUNDLED))
    made.load(BUNDLED)
    made.requires_grad_(False)
    torch.manual_seed(0)
    embedder = made.transformer.time_text_embed.text_embedder
    embedder.linear_1.reset_parameters()
    embedder.linear_2.reset_parameters()
    return made


def heard(mini: Mini, prompts: list[str]) -> torch.Tensor:
    pooled = mini.conditioner.read(*mini.conditioner.tokenize(prompts), filmed=True).pooled
    return mini.transformer.time_text_embed.text_embedder(pooled).detach()


def distances(points: torch.Tensor) -> torch.Tensor:
    return torch.cdist(points, points)[~torch.eye(len(points), dtype=torch.bool)]


def test_commands_to_things_are_told_apart_and_nothing_else_changes(mini: Mini) -> None:
    things = [captions.plain_film("still", thing) for thing in motion.OBJECT if thing != "still"]
    camera = [captions.plain_caption(name) for name in motion.CAMERA]
    weights = copy.deepcopy(mini.state_dict())
    before = {"things": heard(mini, things), "camera": heard(mini, camera)}
    assert set_apart(mini, prompts=3000, steps=1500, seed=0) < 0.02
    after = {"things": heard(mini, things), "camera": heard(mini, camera)}

    wide = distances(before["camera"]).mean()
    assert distances(before["things"]).min() < 0.4 * wide
    assert distances(after["things"]).min() > 0.7 * wide
    assert (after["camera"] - before["camera"]).norm(dim=1).max() < 0.15 * wide
    changed = {name for name, value in mini.state_dict().items() if not torch.equal(value, weights[name])}
    assert {name.rpartition(".")[0].rpartition(".")[0] for name in changed} == {
        "transformer.time_text_embed.text_embedder"
    }
