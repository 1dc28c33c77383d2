"""What a training multiplies in: bfloat16 where the device is fast at it, else float32. A processor without
bfloat16 units takes ten times as long for it as for float32 (LOG.md)."""

import torch

from model.load import fast_bfloat16


def working_dtype(device: torch.device) -> torch.dtype:
    """Of what is not trained: a frozen teacher's weights, the autoencoder's."""
    return torch.bfloat16 if device.type == "cuda" or fast_bfloat16() else torch.float32


def mixed(device: torch.device) -> torch.autocast:
    """The context of a forward: autocast to bfloat16, or nothing at all."""
    return torch.autocast(device.type, torch.bfloat16, enabled=working_dtype(device) == torch.bfloat16)
