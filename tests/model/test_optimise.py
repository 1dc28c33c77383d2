"""Which weights Muon moves, which AdamW, and that no weight is left out."""

import io

import pytest
import torch

from model.train.mini import Mini
from model.train.optimise import Optimisers
from model.train.recipe import SMALLEST
from model.train.teacher import CONFIG


@pytest.fixture
def mini() -> Mini:
    torch.manual_seed(0)
    return Mini(SMALLEST.geometry, CONFIG)


def with_gradients(mini: Mini, optimisers: Optimisers) -> None:
    generator = torch.Generator().manual_seed(1)
    for weight in optimisers.weights:
        weight.grad = torch.randn(weight.shape, generator=generator)


def test_every_weight_but_the_words_is_moved_once(mini: Mini) -> None:
    optimisers = Optimisers(mini)
    moved = [*mini.transformer.parameters(), *mini.conditioner.vision.parameters()]
    assert sorted(map(id, optimisers.weights)) == sorted(map(id, moved))
    with_gradients(mini, optimisers)
    before = [weight.detach().clone() for weight in optimisers.weights]
    optimisers.step(1e-3)
    for old, weight in zip(before, optimisers.weights, strict=True):
        assert not torch.equal(old, weight)
        assert weight.grad is not None  # a recorded step adds to it where it is
        assert not weight.grad.any()


def test_a_matrix_inside_a_block_moves_alike_in_every_direction(mini: Mini) -> None:
    """The update of a gradient of one direction has that one; of any other matrix's gradient, all."""
    inside = mini.transformer.transformer_blocks[0].attn.to_q.weight
    way_in = mini.transformer.x_embedder.proj.weight
    modulation = mini.transformer.transformer_blocks[0].norm1.linear.weight
    optimisers = Optimisers(mini)
    with_gradients(mini, optimisers)
    assert inside.grad is not None
    steep = torch.diag(torch.logspace(0, -1, len(inside)))  # directions of unequal size
    inside.grad = steep.clone()
    before = inside.detach().clone(), way_in.detach().clone(), modulation.detach().clone()
    optimisers.step(1e-3)
    sizes = torch.linalg.svdvals(inside.detach() - before[0])
    assert sizes.max() < 2 * sizes.min()
    for weight, old in zip((way_in, modulation), before[1:], strict=True):
        # AdamW's first step is as large in each number
        torch.testing.assert_close((weight - old).abs(), torch.full_like(old, 1e-3), rtol=0.1, atol=1e-4)


def test_it_goes_on_as_if_never_stopped(mini: Mini) -> None:
    one = Optimisers(mini)
    with_gradients(mini, one)
    one.step(1e-3)
    stored = io.BytesIO()
    torch.save(one.state_dict(), stored)
    torch.manual_seed(0)
    again = Mini(SMALLEST.geometry, CONFIG)
    again.load_state_dict(mini.state_dict())
    other = Optimisers(again)
    stored.seek(0)
    other.load_state_dict(torch.load(stored, weights_only=True))
    for optimisers in (one, other):
        with_gradients(mini, optimisers)
        optimisers.step(1e-3)
    for weight, same in zip(one.weights, other.weights, strict=True):
        assert torch.equal(weight, same)
