"""How fast this device multiplies matrices when nothing is in the way, in the same process as what is
compared with it."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from model.dtype import working_dtype

# The kind of product that each precision's linear layers come down to; attention is bfloat16 in all of them.
PRODUCTS = {
    "bf16": "bf16",
    "fp8": "fp8",
    "fp8-weight": "bf16",
    "int8": "bf16",
    "int8-dynamic": "int8",
    "int4": "bf16",
}


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Of wall time, the device's work done."""
    wait(device)
    began = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - began


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matmul_rate(
    kind: str, device: torch.device, *, side: int | None = None, rounds: int | None = None
) -> float:
    """FLOP/s of a square product of `kind` (bf16, or what stands for it on a CPU that is slow at
    it; fp8; int8), the best of some. Raises what torch raises
    where the device has no such product."""
    side = side or (8192 if device.type == "cuda" else 2048)
    rounds = rounds or (100 if device.type == "cuda" else 5)  # a GPU takes a while to reach its full clock
    work = _product(kind, device, side)
    work()
    return 2 * side**3 / min(seconds(work, device) for _ in range(rounds))


def _product(kind: str, device: torch.device, side: int) -> Callable[[], Tensor]:
    if kind == "int8":
        one, other = (
            torch.randint(-127, 127, (side, side), device=device, dtype=torch.int8) for _ in range(2)
        )
        return lambda: torch._int_mm(one, other.t())
    one, other = (torch.randn(side, side, device=device, dtype=working_dtype(device)) for _ in range(2))
    if kind == "fp8":
        scales = (torch.ones(side, 1, device=device), torch.ones(1, side, device=device))
        small, tall = one.to(torch.float8_e4m3fn), other.to(torch.float8_e4m3fn).t()
        fast = device.type == "cuda"  # as torchao sums
        return lambda: torch._scaled_mm(small, tall, *scales, out_dtype=torch.bfloat16, use_fast_accum=fast)
    return lambda: one @ other
