"""Where training starts: a DiT that already carries what it is given over to its neighbours in space and
time.

Random attention has to find out by chance that a moving picture is mostly the given frame, shifted; that
takes a few thousand steps. Here the residual stream starts with a subspace that the output reads (and into
which given latents are written), values and outputs of attention start as the identity, and most heads start
looking at one neighbour each. The idea is that of mimetic initialisation (Trockman and Kolter 2023); nothing
is fixed, all of it is trained.
"""

from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn

PULL = 2.0  # strength of the queries' and keys' common part, against about 0.6 of the content's
SHARPEST = (
    4  # frequencies of the rotary embedding that take part, the highest ones: they tell neighbours apart
)
OUTPUT = (
    0.6  # the final norm brings every token to unit size, whatever it knows; what isn't known should be small
)
CARRIED = 0.3  # the share of attention's output that is added at first


@torch.no_grad()
def start_by_copying(transformer: HunyuanVideoTransformer3DModel) -> None:
    """Sets the weights in place."""
    config = transformer.config
    width = config.num_attention_heads * config.attention_head_dim
    channels = config.out_channels
    numbers = channels * config.patch_size**2
    read = min(
        numbers, width * 3 // 4
    )  # where tokens hold more numbers than fit, the coarsest part of a random basis
    stream = nn.init.orthogonal_(torch.empty(width, width))
    basis = nn.init.orthogonal_(torch.empty(read, numbers)) if read < numbers else torch.eye(numbers)
    embed = transformer.x_embedder.proj.weight  # [width, 2C + 1, 1, p, p]
    given = (stream[:, :read] @ basis).view(width, channels, *embed.shape[2:])
    embed[:, channels : 2 * channels] = given
    free = width - read
    noisy = nn.init.orthogonal_(torch.empty(free, numbers))
    embed[:, :channels] = (stream[:, read:] @ noisy).view_as(given)
    transformer.proj_out.weight.copy_(OUTPUT * (stream[:, :read] @ basis).T)
    nn.init.zeros_(transformer.proj_out.bias)
    nn.init.zeros_(transformer.norm_out.linear.weight)
    nn.init.zeros_(transformer.norm_out.linear.bias)
    for block in transformer.transformer_blocks:
        for norm in (block.norm1, block.norm1_context):
            _open_gates(norm.linear, width, gates=(2, 5))
        _look_around(block.attn, transformer)
        block.attn.to_out[0].weight.copy_(CARRIED * torch.eye(width))
        nn.init.zeros_(block.attn.to_out[0].bias)
        for feed_forward in (block.ff, block.ff_context):
            nn.init.zeros_(feed_forward.net[-1].weight)
    for block in transformer.single_transformer_blocks:
        _open_gates(block.norm.linear, width, gates=(2,))
        _look_around(block.attn, transformer)
        nn.init.zeros_(block.proj_out.weight)
        block.proj_out.weight[:, :width] = CARRIED * torch.eye(width)
        nn.init.zeros_(block.proj_out.bias)


def _open_gates(modulation: nn.Linear, width: int, gates: tuple[int, ...]) -> None:
    """No shift and no scale at first, the gates open."""
    nn.init.zeros_(modulation.weight)
    nn.init.zeros_(modulation.bias)
    for gate in gates:
        modulation.bias[gate * width : (gate + 1) * width] = 1.0


def _look_around(attention: Any, transformer: HunyuanVideoTransformer3DModel) -> None:
    heads, size = transformer.config.num_attention_heads, transformer.config.attention_head_dim
    attention.to_v.weight.copy_(torch.eye(heads * size))
    nn.init.zeros_(attention.to_v.bias)
    nn.init.zeros_(attention.to_q.bias)
    nn.init.zeros_(attention.to_k.bias)
    here = PULL * _here(transformer)
    for head in range(max(1, heads - 1)):  # the last of several stays free
        inside = slice(head * size, (head + 1) * size)
        attention.to_q.bias[inside] = here
        attention.to_k.bias[inside] = here


def _here(transformer: HunyuanVideoTransformer3DModel) -> Tensor:
    """A query and key of one head, [head size], that match at one place in the picture, whatever the time.

    The rotary embedding turns pair i of an axis by position * theta^(-2i/n), so that equal vectors agree most
    where their positions do; those of the time axis are left out.
    """
    sizes = transformer.config.rope_axes_dim
    vector = torch.zeros(sum(sizes))
    begin = sizes[0]
    for size in sizes[1:]:
        vector[begin : begin + 2 * min(SHARPEST, size // 2) : 2] = 1.0
        begin += size
    return vector
