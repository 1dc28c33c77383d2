"""Compiled blocks: the DiT's blocks are of two kinds, so two compilations serve all sixty.

What was compiled can be kept in a file beside the weights, and the next process of the same torch, card and
shapes begins with it. Such a file is code: load only what you have written.
"""

from pathlib import Path
from typing import Literal

import torch
from diffusers import HunyuanVideoTransformer3DModel

Mode = Literal["default", "cuda-graphs", "max-autotune"]
MODES: dict[Mode, str | None] = {
    "default": None,
    "cuda-graphs": "reduce-overhead",  # pays where shapes repeat and kernels are short
    "max-autotune": "max-autotune-no-cudagraphs",
}


def compile_blocks(
    transformer: HunyuanVideoTransformer3DModel, mode: Mode = "default", *, dynamic: bool | None = None
) -> None:
    """Last of all that is done to a transformer: after its precision, attention and device. The first forward
    of each shape pays for it. `dynamic` as torch.compile's; False where only one shape will come."""
    kinds = [name for name in transformer._repeated_blocks if name.endswith("TransformerBlock")]
    for module in transformer.modules():
        if type(module).__name__ in kinds:  # not the ends, which run once a forward
            module.compile(fullgraph=True, mode=MODES[mode], dynamic=dynamic)
    if isinstance(transformer, HunyuanVideoTransformer3DModel):
        # As they come from the convolution, the first block would be compiled for their layout alone.
        transformer.x_embedder.register_forward_hook(lambda _, args, tokens: tokens.contiguous())
    if mode == "cuda-graphs":
        # A graph's outputs are overwritten when it runs again: a new forward says that the last one's are
        # done with.
        transformer.register_forward_pre_hook(lambda *_: torch.compiler.cudagraph_mark_step_begin())


def keep_compiled(file: Path) -> int:
    """Writes what this process has compiled; returns its bytes, 0 where there was nothing."""
    kept = torch.compiler.save_cache_artifacts()
    if kept is None:
        return 0
    beside = file.with_suffix(".new")
    beside.write_bytes(kept[0])
    beside.replace(file)
    return len(kept[0])


def begin_compiled(file: Path) -> bool:
    """Takes up what `keep_compiled` wrote, before anything is compiled; False where there is no such file."""
    if not file.is_file():
        return False
    return torch.compiler.load_cache_artifacts(file.read_bytes()) is not None
