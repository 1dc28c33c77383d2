"""What a training's forward multiplies in."""

import torch

from model.dtype import working_dtype


def mixed(device: torch.device) -> torch.autocast:
    """Its context: autocast to bfloat16 where the device is fast at it, or nothing at all."""
    return torch.autocast(device.type, torch.bfloat16, enabled=working_dtype(device) == torch.bfloat16)
