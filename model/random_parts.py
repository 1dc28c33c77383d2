"""The parts of a model of the 13 B kind with random weights, made where they are to run: speed and memory
don't depend on what the weights are. One scale is the real geometry, the other small enough for a CPU."""

from dataclasses import dataclass, field
from typing import TypeVar

import torch
from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoTransformer3DModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, LlamaConfig, LlavaConfig
from transformers import LlavaForConditionalGeneration as Llava

from model.conditioning import Condition
from model.dtype import working_dtype
from model.fit import TOLD
from model.tiles import Tiling

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Scale:
    """`dit`, `autoencoder`, `language`, `vision` and `text` change the defaults of the parts' configs."""

    name: str
    width: int
    height: int
    tiling: Tiling
    dit: dict = field(default_factory=dict)
    autoencoder: dict = field(default_factory=dict)
    language: dict = field(default_factory=dict)
    vision: dict = field(default_factory=dict)
    text: dict = field(default_factory=dict)


REAL = Scale(
    name="13 B, 960x544",
    width=960,
    height=544,
    tiling=Tiling(),
    language={
        "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "vocab_size": 128_320,
    },
    vision={
        "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
        "image_size": 336, "patch_size": 14,
    },
    text={"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
)  # fmt: skip
REDUCED = Scale(
    name="reduced: hidden 256, 2 + 4 blocks, 96x64",
    width=96,
    height=64,
    tiling=Tiling((6, 2, 3), (3, 1, 1)),
    dit={
        "num_attention_heads": 4, "attention_head_dim": 64, "num_layers": 2, "num_single_layers": 4,
        "text_embed_dim": 256, "rope_axes_dim": (16, 24, 24),
    },
    autoencoder={"block_out_channels": (8, 16, 16, 16), "layers_per_block": 1, "norm_num_groups": 8},
    language={
        "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 1024,
    },
    vision={
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2,
        "image_size": 336, "patch_size": 14,
    },
    text={"hidden_size": 768, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4},
)  # fmt: skip


def build_transformer(scale: Scale, device: torch.device) -> HunyuanVideoTransformer3DModel:
    """The same weights at every call, of `working_dtype`."""
    with torch.device("meta"):
        options = {"in_channels": 33, "guidance_embeds": False, "image_condition_type": "latent_concat"}
        transformer = HunyuanVideoTransformer3DModel(**options | scale.dit)
    return filled(transformer, device)


def build_autoencoder(scale: Scale, device: torch.device) -> AutoencoderKLHunyuanVideo:
    with torch.device("meta"):
        autoencoder = AutoencoderKLHunyuanVideo(**scale.autoencoder)
    filled(autoencoder, device)
    autoencoder.enable_tiling()
    return autoencoder


def build_encoders(scale: Scale, device: torch.device) -> tuple[Llava, CLIPTextModel]:
    """The vision-language model and the pooled vector's."""
    language = LlamaConfig(max_position_embeddings=8192, **scale.language)
    image_token = language.vocab_size - 1
    vision = CLIPVisionConfig(projection_dim=768, **scale.vision)
    with torch.device("meta"):
        llava = Llava(LlavaConfig(text_config=language, vision_config=vision, image_token_index=image_token))
        clip = CLIPTextModel(CLIPTextConfig(projection_dim=768, **scale.text))
    return filled(llava, device), filled(clip, device)


def filled(module: M, device: torch.device) -> M:
    """A module of the meta device as one of `working_dtype` on `device`: norms at one, biases at zero, the
    rest small noise."""
    module.to(working_dtype(device)).to_empty(device=device).eval().requires_grad_(False)
    for name, buffer in module.named_buffers():
        if name.endswith("position_ids"):
            buffer.copy_(torch.arange(buffer.shape[-1]))
        else:  # the frequencies of a language model's positions
            buffer.copy_(torch.logspace(0, -5, buffer.numel()).view(buffer.shape))
    rng = torch.Generator(device).manual_seed(0)
    for name, weight in module.named_parameters():
        if weight.dim() > 1 or name.endswith("class_embedding"):
            weight.normal_(0.0, 0.02, generator=rng)
        else:
            weight.fill_(float(not name.endswith("bias")))
    return module


def told(scale: Scale, device: torch.device, used: int = TOLD) -> Condition:
    """What the DiT is told; of the condition's tokens the first `used` count."""
    rng, dtype = torch.Generator().manual_seed(2), working_dtype(device)
    width = scale.dit.get("text_embed_dim", 4096)
    return Condition(
        torch.randn(1, TOLD, width, generator=rng).to(device, dtype),
        (torch.arange(TOLD) < used).long()[None].to(device),
        torch.randn(1, 768, generator=rng).to(device, dtype),
    )
