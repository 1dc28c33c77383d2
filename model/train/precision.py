"""What a training's forward multiplies in."""

import torch

from model.dtype import working_dtype


def mixed(device: torch.device) -> torch.autocast:
    """Its context: autocast to bfloat16 where the device is fast at it, or nothing at all. What it casts it
    doesn't keep, as torch keeps one such store for all threads (cores.py)."""
    fast = working_dtype(device) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=fast, cache_enabled=False)
