import contextlib
import copy

import pytest
import torch
from torch import nn

from model.residency import offload_blocks, visiting
from tests.model.dits import build_dit, given


def test_blocks_that_come_and_go_compute_the_same() -> None:
    stock, inputs = build_dit(), given()
    offloaded = copy.deepcopy(stock)
    offload_blocks(offloaded, torch.device("cpu"))
    with torch.inference_mode():
        assert torch.equal(offloaded(**inputs)[0], stock(**inputs)[0])


def test_an_encoder_goes_home_again() -> None:
    moved: list[torch.device] = []

    class Encoder(nn.Linear):
        def to(self, device: torch.device) -> "Encoder":
            moved.append(device)
            return self

    home, away = torch.device("cpu"), torch.device("meta")
    encoder = Encoder(2, 2)
    with contextlib.suppress(KeyError), visiting(encoder, away) as here:
        assert here is encoder
        raise KeyError
    assert moved == [away, home]
    with visiting(encoder, home):
        pass
    assert moved == [away, home]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_holds_only_some_blocks() -> None:
    stock = build_dit(8, 64, num_single_layers=12)
    whole = sum(weight.nbytes for weight in stock.parameters())
    inputs = {k: v.cuda() if isinstance(v, torch.Tensor) else v for k, v in given().items()}
    offload_blocks(stock, torch.device("cuda"))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with torch.inference_mode():
        stock(**inputs)
    assert torch.cuda.max_memory_allocated() - before < 0.6 * whole
