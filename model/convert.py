"""A checkpoint of the original HunyuanVideo repository, which is also Magic 1-For-1's, in diffusers' format.

diffusers has the renaming, and knows of one size only: it splits the fused projections of single-stream
blocks at 3072. Those are split here first, at the checkpoint's own size.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from diffusers.loaders.single_file_utils import convert_hunyuan_video_transformer_to_diffusers
from safetensors.torch import load_file
from torch import Tensor

from model.parts import BrokenWeights, differences

SHARD = "10GB"


def convert(source: Path, folder: Path) -> None:
    """From a file, `.safetensors` or torch's, to `folder/transformer`. Raises BrokenWeights."""
    transformer = converted(read(source), source)
    transformer.save_pretrained(folder / "transformer", max_shard_size=SHARD)


def read(source: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, which training code may have laid under `module` or `model`."""
    if source.suffix == ".safetensors":
        return load_file(source)
    found: Any = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
    for wrapping in ("module", "model"):
        if isinstance(found.get(wrapping), Mapping):
            found = found[wrapping]
    return dict(found)


def converted(checkpoint: dict[str, Tensor], source: Path) -> HunyuanVideoTransformer3DModel:
    """The transformer, whose size is told by the shapes; every tensor must find its place, and be there.

    Takes the tensors out of `checkpoint` as it goes, since two copies may be more than the memory holds.
    """
    try:
        config = geometry(checkpoint)
    except KeyError as error:
        raise BrokenWeights(source, [f"{error.args[0]} is missing: no HunyuanVideo checkpoint"]) from error
    split = _single_blocks(checkpoint, config["num_attention_heads"] * config["attention_head_dim"])
    tensors = convert_hunyuan_video_transformer_to_diffusers(checkpoint) | split
    with torch.device("meta"):
        transformer = HunyuanVideoTransformer3DModel(**config)
    stored = {name: tuple(value.shape) for name, value in tensors.items()}
    wanted = {name: tuple(value.shape) for name, value in transformer.state_dict().items()}
    if found := differences(stored, wanted):
        raise BrokenWeights(source, found)
    # A third of a fused weight is a view of it, and would be stored with all of it.
    whole = {name: value.clone() for name, value in tensors.items()}
    transformer.load_state_dict(whole, strict=True, assign=True)
    return transformer


def geometry(checkpoint: Mapping[str, Tensor]) -> dict[str, Any]:
    """The transformer's configuration, as far as shapes tell it; the rest is HunyuanVideo's. Raises
    KeyError."""
    hidden, channels, *patch = checkpoint["img_in.proj.weight"].shape
    head = checkpoint["double_blocks.0.img_attn_q_norm.weight"].shape[0]
    out = checkpoint["final_layer.linear.weight"].shape[0] // (patch[0] * patch[1] * patch[2])
    # The shares of time, height and width; no tensor tells them, and only 128 is known of real weights.
    rope = (16, 56, 56) if head == 128 else (head // 8 * 2, head // 8 * 3, head // 8 * 3)
    return {
        "in_channels": channels,
        "out_channels": out,
        "num_attention_heads": hidden // head,
        "attention_head_dim": head,
        "num_layers": _count(checkpoint, "double_blocks"),
        "num_single_layers": _count(checkpoint, "single_blocks"),
        "num_refiner_layers": _count(checkpoint, "txt_in.individual_token_refiner.blocks"),
        "mlp_ratio": checkpoint["double_blocks.0.img_mlp.fc1.weight"].shape[0] / hidden,
        "patch_size": patch[1],
        "patch_size_t": patch[0],
        "guidance_embeds": "guidance_in.mlp.0.weight" in checkpoint,
        "text_embed_dim": checkpoint["txt_in.input_embedder.weight"].shape[1],
        "pooled_projection_dim": checkpoint["vector_in.in_layer.weight"].shape[1],
        "rope_axes_dim": rope,
        "image_condition_type": "latent_concat" if channels == 2 * out + 1 else None,
    }


def _count(checkpoint: Mapping[str, Tensor], prefix: str) -> int:
    depth = prefix.count(".") + 1
    return len({name.split(".")[depth] for name in checkpoint if name.startswith(f"{prefix}.")})


def _single_blocks(checkpoint: dict[str, Tensor], hidden: int) -> dict[str, Tensor]:
    """The fused query, key, value and MLP of each single-stream block, taken out and split, under diffusers'
    names."""
    split = {}
    for name in [name for name in checkpoint if name.startswith("single_blocks.") and ".linear1." in name]:
        fused = checkpoint.pop(name)
        block, _, kind = name.replace("single_blocks", "single_transformer_blocks").partition(".linear1.")
        parts = fused.split([hidden, hidden, hidden, len(fused) - 3 * hidden])
        for place, part in zip(("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"), parts, strict=True):
            split[f"{block}.{place}.{kind}"] = part
    return split
