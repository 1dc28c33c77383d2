"""Small DiTs of HunyuanVideo's kind whose every part does something, and what they are given."""

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor


def build_dit(heads: int = 2, width: int = 16, **changes: object) -> HunyuanVideoTransformer3DModel:
    """The same weights at every call, float32."""
    torch.manual_seed(0)
    turns = (width - 2 * (2 * width // 6 // 2 * 2), *[2 * width // 6 // 2 * 2] * 2)
    options: dict = {
        "in_channels": 9, "out_channels": 4, "num_attention_heads": heads, "attention_head_dim": width,
        "num_layers": 1, "num_single_layers": 2, "num_refiner_layers": 1, "guidance_embeds": False,
        "text_embed_dim": 128, "pooled_projection_dim": 128, "rope_axes_dim": turns,
        "image_condition_type": "latent_concat",
    }  # fmt: skip
    transformer = HunyuanVideoTransformer3DModel(**options | changes).eval().requires_grad_(False)
    for weight in transformer.parameters():
        weight.add_(0.05 * torch.randn_like(weight))
    return transformer


def given(
    grid: tuple[int, int, int] = (3, 8, 8),
    told: list[int] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    channels: int = 9,
) -> dict[str, Tensor | bool]:
    """Latents of `grid`, and for each of the batch a condition of so many tokens, padded to the longest."""
    told = told or [7]
    rng = torch.Generator().manual_seed(1)
    mask = torch.arange(max(told)) < torch.tensor(told)[:, None]
    return {
        "hidden_states": torch.randn(len(told), channels, *grid, generator=rng).to(dtype),
        "timestep": torch.tensor([900.0, 300.0])[: len(told)],
        "encoder_hidden_states": torch.randn(len(told), max(told), 128, generator=rng).to(dtype),
        "encoder_attention_mask": mask.long(),
        "pooled_projections": torch.randn(len(told), 128, generator=rng).to(dtype),
        "return_dict": False,
    }
