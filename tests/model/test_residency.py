import copy

import pytest
import torch

from model.parallel import share
from model.residency import offload_blocks, offload_layers
from tests.families import clip_text
from tests.model.dits import build_dit, given


def test_blocks_that_come_and_go_compute_the_same() -> None:
    stock, inputs = build_dit(), given()
    offloaded = copy.deepcopy(stock)
    offload_blocks(offloaded, torch.device("cpu"))
    with torch.inference_mode():
        assert torch.equal(offloaded(**inputs)[0], stock(**inputs)[0])


def test_blocks_that_come_and_go_are_not_shared_among_cards() -> None:
    dit = build_dit()
    offload_blocks(dit, torch.device("cpu"))
    with pytest.raises(ValueError, match="can't be shared among cards"):
        share(dit)


def test_layers_that_come_and_go_compute_the_same() -> None:
    whole, offloaded = (clip_text(32, 50) for _ in range(2))
    offloaded.load_state_dict(whole.state_dict())
    offload_layers(offloaded, torch.device("cpu"))
    assert {weight.device.type for weight in offloaded.parameters()} == {"meta"}
    ids = torch.tensor([[1, 7, 9, 2]])
    with torch.inference_mode():
        for _ in range(2):
            assert torch.equal(offloaded(ids).last_hidden_state, whole(ids).last_hidden_state)


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_holds_one_layer_of_an_encoder() -> None:
    whole = clip_text(512, 1000)
    ids = torch.tensor([[1, 7, 9, 2]])
    with torch.inference_mode():
        wanted = whole(ids).last_hidden_state
        size = sum(weight.nbytes for weight in whole.parameters())
        offload_layers(whole, torch.device("cuda"))
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        found = whole(ids.cuda()).last_hidden_state
    assert torch.allclose(found.cpu(), wanted, atol=1e-4)
    assert torch.cuda.max_memory_allocated() - before < 0.6 * size
