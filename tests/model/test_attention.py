"""The CPU's own attention against torch's and diffusers' own."""

import pytest
import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor
from torch.nn import functional as F

from model.attention import ROWS, attend_by_rows, attention


def tensors(*shape: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=rng).to(dtype) for _ in range(3)]


@pytest.mark.parametrize("count", [1, ROWS - 1, ROWS, 2 * ROWS + 3])
def test_it_is_torchs_attention_for_any_number_of_queries(count: int) -> None:
    query, key, value = tensors(2, 3, count, 16)
    with torch.inference_mode():
        found = attention(query, key, value)
    assert torch.allclose(found, F.scaled_dot_product_attention(query, key, value), atol=1e-5)


def test_keys_that_are_not_used_are_not_seen() -> None:
    query, key, value = tensors(2, 3, 40, 16)
    used = torch.tensor([[True, True, False], [True, False, False]])
    mask = F.pad(used, (37, 0), value=True)[:, None, None]
    with torch.inference_mode():
        found = attention(query, key, value, used)
    assert torch.allclose(found, F.scaled_dot_product_attention(query, key, value, mask), atol=1e-5)


def test_bfloat16_costs_little() -> None:
    query, key, value = tensors(1, 3, 700, 64, dtype=torch.bfloat16)
    exact = F.scaled_dot_product_attention(query.double(), key.double(), value.double())
    with torch.inference_mode():
        error = attention(query, key, value).double() - exact
    assert error.norm() <= 0.01 * exact.norm()


def test_gradients_are_torchs() -> None:
    ours, theirs = ([x.requires_grad_() for x in tensors(1, 2, ROWS + 5, 8)] for _ in range(2))
    attention(*ours).square().sum().backward()
    F.scaled_dot_product_attention(*theirs).square().sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-3)


def test_the_transformer_gives_what_diffusers_gives() -> None:
    """Two prompts of different length side by side: the shorter one's padding must stay unseen."""
    torch.manual_seed(2)
    transformer = HunyuanVideoTransformer3DModel(
        in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=16, num_layers=1,
        num_single_layers=2, num_refiner_layers=1, guidance_embeds=False, text_embed_dim=12,
        pooled_projection_dim=6, rope_axes_dim=(4, 6, 6), image_condition_type="latent_concat",
    ).eval()  # fmt: skip
    given = {
        "hidden_states": torch.randn(2, 9, 3, 8, 8),
        "timestep": torch.tensor([900.0, 300.0]),
        "encoder_hidden_states": torch.randn(2, 7, 12),
        "encoder_attention_mask": torch.tensor([[1] * 7, [1] * 4 + [0] * 3]),
        "pooled_projections": torch.randn(2, 6),
        "return_dict": False,
    }
    with torch.inference_mode():
        before = transformer(**given)[0]
        attend_by_rows(transformer)
        after = transformer(**given)[0]
    assert torch.allclose(before, after, atol=1e-5)
