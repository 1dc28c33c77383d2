"""Which kernel computes dense attention: diffusers' dispatcher, asked by name and tried before it is relied
on.

The fast kernels take no mask. HunyuanVideo's blocks always pass one, against the padding of prompts, so that
with stock processors they fail or fall back to a slower kernel. Padding that is cut off before the DiT needs
no mask, and changes nothing: masked tokens are seen by nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from diffusers.models.attention_dispatch import attention_backend, dispatch_attention_fn
from diffusers.models.attention_processor import Attention
from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoAttnProcessor2_0
from torch import Tensor, nn

# Fastest first. `_flash_3` and `flash` need packages of those names, `sage` (which rounds to int8, so it is
# only taken when named) too; cuDNN and native flash come with torch's CUDA builds.
EXACT: dict[str, Sequence[str]] = {
    "cuda": ("_flash_3", "_native_cudnn", "flash", "_native_flash", "native"),
    "cpu": ("native",),
}


@dataclass(frozen=True)
class Backend:
    """The one that was taken, and why not those that were asked first, by name."""

    name: str
    refused: dict[str, str]

    def __str__(self) -> str:
        reasons = "; ".join(f"not {name}: {why}" for name, why in self.refused.items())
        return f"{self.name} ({reasons})" if reasons else self.name


def fault(name: str, device: torch.device, *, heads: int = 2, width: int = 128) -> str | None:
    """Why this backend can't be used on this device, tried on a few tokens; None where it can."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    tokens = torch.ones(1, 256, heads, width, device=device, dtype=dtype)
    try:
        with attention_backend(name), torch.inference_mode():
            out = dispatch_attention_fn(tokens, tokens, tokens)
        # All values are ones, so any average of them is one: a kernel that returns rubbish is found out, too.
        return None if torch.allclose(out.float(), tokens.float(), atol=0.05) else "it computes wrong values"
    except Exception as error:  # whatever a kernel that isn't there, or not for this card, raises
        return (str(error).strip() or type(error).__name__).splitlines()[0]


def choose(wanted: str, device: torch.device) -> Backend:
    """`wanted`, or for "auto" the first of EXACT that works.

    A wanted one that fails falls back to those, with the reason told in `refused`.
    """
    order = EXACT.get(device.type, ("native",))
    refused: dict[str, str] = {}
    for name in order if wanted == "auto" else (wanted, *order):
        if name in refused:
            continue
        why = fault(name, device)
        if why is None:
            return Backend(name, refused)
        refused[name] = why
    raise RuntimeError(f"no attention backend works on {device}: {refused}")


class UnmaskedAttnProcessor(HunyuanVideoAttnProcessor2_0):
    """diffusers' own without the mask, for forwards whose condition has no padding."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_rotary_emb: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        return super().__call__(attn, hidden_states, encoder_hidden_states, None, image_rotary_emb)


def attend_by(transformer: HunyuanVideoTransformer3DModel, wanted: str = "auto") -> Backend:
    """Gives double- and single-stream blocks attention by a backend that works, and cuts padding off before
    every forward. The device is where the transformer lies."""
    backend = choose(wanted, transformer.device)
    without_padding(transformer)
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        block.attn.set_processor(UnmaskedAttnProcessor())
    transformer.set_attention_backend(backend.name)
    return backend


def without_padding(transformer: nn.Module) -> None:
    """Forwards take their arguments by name from here on, and the conditions of one batch must be equally
    long (ValueError): the used tokens come first."""

    def trim(module: nn.Module, args: tuple, given: Mapping[str, Any]) -> tuple[tuple, dict[str, Any]]:
        mask = given["encoder_attention_mask"]
        used = mask.sum(1, dtype=torch.int32)  # callers may have made floats of it
        longest = int(used.max())
        if int(used.min()) != longest:
            lengths = [int(length) for length in used]
            raise ValueError(f"without a mask the conditions of a batch must be of one length, not {lengths}")
        told = given["encoder_hidden_states"]
        return args, {
            **given,
            "encoder_hidden_states": told[:, :longest],
            "encoder_attention_mask": mask[:, :longest],
        }

    transformer.register_forward_pre_hook(trim, with_kwargs=True)
