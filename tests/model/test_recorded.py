"""A training's step, shared out or recorded, adds the same gradients as when it just runs."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from model.train.batch import Batch
from model.train.flow import clean_of
from model.train.mini import Mini
from model.train.recipe import Geometry
from model.train.recorded import Recorded
from model.train.shared import Shared
from model.train.teacher import CONFIG


def loss_of(mini: Mini, noisy: Tensor, sigma: Tensor, *parts: Tensor | None) -> Tensor:
    batch = Batch(*parts)  # type: ignore[arg-type]
    with torch.autocast(noisy.device.type, torch.bfloat16):
        told = mini.conditioner(batch.ids, batch.mask, batch.thumbnails)
        clean = clean_of(mini.transformer, noisy, sigma, told, batch.context, "sample")
    return (clean - batch.latents).square().mean()


def given(mini: Mini, seed: int, context: int, device: torch.device) -> list[Tensor | None]:
    draw = torch.Generator().manual_seed(seed)
    latents = torch.randn(3, 16, 3, 16, 16, generator=draw)
    told = ["pan left", "the camera zooms in", "the star orbits"]
    ids, mask = mini.conditioner.tokenize(told[:: 1 if seed % 2 else -1])
    seen = torch.randn(3, 3, 64, 64, generator=draw)
    noisy, sigma = torch.randn(latents.shape, generator=draw), torch.rand(3, generator=draw)
    parts = [noisy, sigma, latents, latents[:, :, :context], ids, mask, seen]
    return [part.to(device) for part in parts]


def gradients(weights: list[nn.Parameter]) -> Tensor:
    grads = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
    return torch.cat([grad.flatten() for grad in grads])


def near(gradient: Tensor) -> float:
    return 2e-2 * gradient.abs().max().item()


def compare(kind: type[Recorded] | type[Shared], device: torch.device) -> None:
    """Batches of two shapes by turns, each shape more than once, and two of them added up."""
    torch.manual_seed(3)
    mini = Mini(Geometry(width=64, heads=1, double_blocks=1, single_blocks=1, tokens_width=64), CONFIG)
    mini.to(device)
    for weight in mini.parameters():  # away from a start at which many gradients are nothing
        weight.data.add_(0.05 * torch.randn_like(weight))
    weights = list(mini.parameters())
    batches = [given(mini, seed, 1 + seed % 2, device) for seed in range(4)]
    expected = []
    for batch in batches:
        mini.zero_grad(set_to_none=True)
        loss = loss_of(mini, *batch)
        (2.0 * loss).backward()
        expected.append((loss.detach(), gradients(weights)))
    runs = kind(weights)
    losses = []
    for batch, (loss, gradient) in zip(batches, expected, strict=True):
        mini.zero_grad(set_to_none=False)
        losses.append(runs.run("clip", partial(loss_of, mini), 2.0, *batch))
        torch.testing.assert_close(losses[-1], loss, rtol=2e-2, atol=1e-4)
        torch.testing.assert_close(gradients(weights), gradient, rtol=5e-2, atol=near(gradient))
    kept = torch.stack([loss for loss, _ in expected])
    torch.testing.assert_close(torch.stack(losses), kept, rtol=2e-2, atol=1e-4)
    mini.zero_grad(set_to_none=False)
    for batch in batches[:2]:
        runs.run("clip", partial(loss_of, mini), 2.0, *batch)
    both = expected[0][1] + expected[1][1]
    torch.testing.assert_close(gradients(weights), both, rtol=5e-2, atol=near(both))


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_on_a_cpu_shares_add_up_to_the_whole(cores: int) -> None:
    """Three examples, so shares of unequal size among two cores, and a core too many among four."""
    before = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        compare(Shared, torch.device("cpu"))
        assert torch.get_num_threads() == cores  # those of the shares alone work with one
    finally:
        torch.set_num_threads(before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_recording_is_the_same() -> None:
    compare(Recorded, torch.device("cuda"))
