"""What stays on the card and what visits it, for cards that can't hold everything (model.fit says which)."""

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import nn


def offload_layers(module: nn.Module, device: torch.device) -> None:
    """Keeps a model's weights in the machine's memory and copies each layer's to `device` for its own moment:
    for what has one call in a window, as encoders, or one in a video, as text-to-image.

    The card then holds one layer at a time; every call waits for all of its weights to pass the bus. Not to
    be moved afterwards. Needs accelerate.
    """
    from accelerate import cpu_offload  # not installed with every engine

    cpu_offload(module, device)


def offload_blocks(
    transformer: HunyuanVideoTransformer3DModel, device: torch.device, *, blocks: int = 1
) -> None:
    """Keeps the DiT's blocks in the machine's memory and brings them to `device` by so many at a time, the
    next ones while these compute; at most twice `blocks` are there at once.

    The card then holds 1/60 of the 13 B model for each block, and every step waits for the bus where it is
    slower than the arithmetic: 25.6 GB in bfloat16 take a second at 25 GB/s.
    """
    transformer.enable_group_offload(
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="block_level",
        num_blocks_per_group=blocks,
        use_stream=device.type == "cuda",
        record_stream=device.type == "cuda",
    )
