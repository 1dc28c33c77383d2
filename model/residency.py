"""What stays on the card and what visits it, for cards that can't hold everything (model.fit says which)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import nn

M = TypeVar("M", bound=nn.Module)


@contextmanager
def visiting(module: M, device: torch.device) -> Iterator[M]:
    """The module on `device` for as long as it is used, and where it was afterwards: for encoders, which have
    one moment in a window."""
    home = next(module.parameters()).device
    if home == device:
        yield module
        return
    module.to(device)
    try:
        yield module
    finally:
        module.to(home)
        if device.type == "cuda":
            torch.cuda.empty_cache()  # what the next one allocates is of other sizes


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
