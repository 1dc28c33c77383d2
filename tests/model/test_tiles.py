"""Sliding-tile attention against dense attention with the same pairs."""

import copy
import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention.flex_attention import flex_attention

from model.compiled import compile_blocks
from model.tiles import BLOCK, Plan, Tiling, attend_sparsely
from tests.model.dits import build_dit, given

# Uncompiled, flex_attention says that it is slow.
pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
CPU = torch.device("cpu")


def pairs(grid: tuple[int, int, int], tiling: Tiling, told: int) -> Tensor:
    """The same, written the long way: for every two tokens in their own order, whether one sees the other."""
    counts = [-(-size // side) for size, side in zip(grid, tiling.tile, strict=True)]
    cells = list(itertools.product(*map(range, grid)))

    def near(q: tuple[int, ...], k: tuple[int, ...]) -> bool:
        for number, width, side, a, b in zip(counts, tiling.window, tiling.tile, q, k, strict=True):
            reach = width // 2
            middle = min(max(a // side, reach), number - 1 - reach)
            if width < number and abs(middle - b // side) > reach:
                return False
        return True

    seen = torch.ones(len(cells) + told, len(cells) + told, dtype=torch.bool)
    seen[: len(cells), : len(cells)] = torch.tensor([[near(q, k) for k in cells] for q in cells])
    return seen


@pytest.mark.parametrize(
    ("grid", "tile", "window"),
    [((4, 4, 4), (2, 2, 2), (1, 1, 1)), ((5, 7, 6), (2, 3, 4), (3, 1, 1)), ((7, 9, 9), (2, 2, 2), (1, 3, 3))],
)
def test_the_mask_is_the_one_written_the_long_way(grid, tile, window) -> None:
    tiling = Tiling(tile, window)
    plan = Plan(tiling, grid, 5, 1, CPU)
    count = grid[0] * grid[1] * grid[2]
    order = torch.cat([plan.order, torch.arange(count, count + 5)])
    wanted = pairs(grid, tiling, 5)[order][:, order]
    length = torch.arange(count + 5)
    mask = plan.mask.mask_mod
    assert torch.equal(mask(0, 0, length[:, None], length[None]), wanted)
    assert plan.density == pytest.approx(wanted.double().mean().item())
    # The lists of blocks: what is left out holds no pair, what is called full holds all of them.
    side = -(-len(wanted) // BLOCK) * BLOCK
    blocks = F.pad(wanted, (0, side - len(wanted)) * 2).unflatten(1, (-1, BLOCK)).unflatten(0, (-1, BLOCK))
    share = blocks.double().mean((1, 3))
    full = torch.zeros_like(share, dtype=torch.bool)
    for row, number in enumerate(plan.mask.full_kv_num_blocks[0, 0]):
        full[row, plan.mask.full_kv_indices[0, 0, row, :number]] = True
    assert torch.equal(plan.mask.to_dense()[0, 0].bool(), (share > 0) | full)
    assert bool((share[full] == 1).all())


def test_a_window_over_everything_is_the_stock_attention() -> None:
    """Two prompts of different length side by side: the shorter one's padding must stay unseen."""
    stock, inputs = build_dit(), given((5, 10, 14), [7, 4])
    sparse = copy.deepcopy(stock)
    attention = attend_sparsely(sparse, Tiling((2, 2, 3), (1, 1, 3)))
    wide = Tiling((2, 2, 3), (99, 99, 99))
    with torch.inference_mode():
        dense, near = stock(**inputs)[0], sparse(**inputs)[0]
        assert attention.plan.density < 0.75
        assert (near - dense).norm() > 0.01 * dense.norm()  # or nothing was left out
        whole = copy.deepcopy(stock)
        attend_sparsely(whole, wide)
        assert torch.allclose(whole(**inputs)[0], dense, atol=1e-5)


def test_it_is_dense_attention_with_the_same_mask() -> None:
    """In the model's own order of tokens, by the stock processors, whose mask is replaced."""
    stock, inputs, tiling = build_dit(), given((5, 10, 14), [7]), Tiling((2, 2, 3), (1, 3, 1))
    sparse = copy.deepcopy(stock)
    attend_sparsely(sparse, tiling)
    mask = pairs((5, 5, 7), tiling, 7)[None, None]
    for block in (*stock.transformer_blocks, *stock.single_transformer_blocks):
        masked(block.attn, mask)
    with torch.inference_mode():
        assert torch.allclose(sparse(**inputs)[0], stock(**inputs)[0], atol=1e-5)


def test_flex_attention_takes_the_mask() -> None:
    """Two items of different length; in its slow form, which shows that it is right."""
    plan = Plan(Tiling((2, 2, 3), (1, 3, 1)), (5, 5, 7), 7, 2, CPU)
    plan.used.copy_(torch.tensor([182, 179]))
    query, key, value = torch.randn(3, 2, 2, 182, 16, generator=torch.Generator().manual_seed(3))
    mask = plan.written_out()
    assert mask.shape == (2, 1, 182, 182)
    assert not mask[1, 0, :, 179:].any()
    wanted = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    assert torch.allclose(flex_attention(query, key, value, block_mask=plan.mask), wanted, atol=1e-5)


def masked(attn: torch.nn.Module, mask: Tensor) -> None:
    def replace(module, args, kwargs):
        return args, kwargs | {"attention_mask": mask}

    attn.register_forward_pre_hook(replace, with_kwargs=True)


def test_shapes_may_change_from_forward_to_forward() -> None:
    sparse = build_dit()
    attention = attend_sparsely(sparse, Tiling((2, 2, 2), (1, 1, 1)))
    with torch.inference_mode():
        first = sparse(**given((5, 8, 8)))[0]
        sparse(**given((1, 8, 8), [3]))
        assert torch.equal(sparse(**given((5, 8, 8)))[0], first)
    assert len(attention._plans) == 2


def test_what_can_not_be() -> None:
    with pytest.raises(ValueError, match="odd"):
        Tiling((2, 8, 8), (2, 3, 3))
    with pytest.raises(ValueError, match="token_replace"):
        attend_sparsely(build_dit(image_condition_type="token_replace"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_compiled_on_a_gpu_it_is_the_same() -> None:
    """Only compiled are the lists of blocks used, rather than the mask alone. (On a CPU this takes g++ half a
    minute; tried by hand, LOG.md.)"""
    sparse = build_dit(width=64).cuda()
    inputs = {k: v.cuda() if isinstance(v, Tensor) else v for k, v in given((5, 20, 20), [7, 4]).items()}
    attention = attend_sparsely(sparse, Tiling((2, 3, 4), (1, 1, 1)))
    with torch.inference_mode():
        eager = sparse(**inputs)[0]
        assert attention.plan.mask.sparsity() > 0
        compile_blocks(sparse)
        assert torch.allclose(sparse(**inputs)[0], eager, atol=1e-2)
