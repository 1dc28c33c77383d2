"""How large a picture this process has memory for."""

import os
import resource

import torch
from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoTransformer3DModel

from model import fit
from model.choices import BLOCKS_AT_ONCE
from model.engine import Engine
from model.geometry import Geometry
from model.quantize import held_bytes


def largest_pixels(engine: Engine) -> int | None:
    """Of a picture whose windows fit beside what a warm worker holds where its engine lies; what other
    processes hold there is not known, and not taken off. None for a DiT whose arithmetic is not known."""
    transformer, config = engine.transformer, engine.config
    if not isinstance(transformer, HunyuanVideoTransformer3DModel):
        return None
    if engine.device.type == "cuda":
        free = torch.cuda.get_device_properties(engine.device).total_memory
        free -= torch.cuda.memory_allocated(engine.device)
        if config.offload == "blocks":
            free -= visiting_bytes(transformer)
    else:
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        free -= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tiled = any(isinstance(module, AutoencoderKLHunyuanVideo) for module in engine.family.modules)
    return fit.largest_pixels(
        Geometry.of(transformer.config),
        latents=config.new_latents + max(1, config.context_latents),
        free_bytes=free - fit.RESERVE_BYTES,
        number_bytes=transformer.dtype.itemsize,
        tile_bytes=fit.TILE_BYTES if tiled else 0,
    )


def visiting_bytes(transformer: HunyuanVideoTransformer3DModel) -> int:
    """What a forward brings to the card of a DiT whose blocks are offloaded: all but the blocks, and of
    those the largest, as many as are there at once."""
    blocks = [
        held_bytes(block)
        for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks)
    ]
    return held_bytes(transformer) - sum(blocks) + sum(sorted(blocks)[-BLOCKS_AT_ONCE:])
