"""What a device multiplies fast in."""

import torch


def working_dtype(device: torch.device) -> torch.dtype:
    """A CPU without bfloat16 units takes ten times as long for it as for float32 (LOG.md)."""
    return torch.bfloat16 if device.type == "cuda" or fast_bfloat16() else torch.float32


def fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16 or AMX; on Arm, BF16)."""
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())
