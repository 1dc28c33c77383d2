"""Where training starts: a DiT that already carries what it is given to the same place in every frame.

Random attention has to find out by chance that a moving picture is mostly the given frame, shifted; that
takes a few thousand steps. Here the first numbers of the residual stream are the latents themselves, which
the output reads; every head of attention starts by carrying them over, and one head starts looking at its
own place in the picture, at any time. The idea is that of mimetic initialisation (Trockman and Kolter 2023);
nothing is fixed, all of it is trained.
"""

from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn
from transformers import CLIPTextModel

PULL = 2.0  # strength of the common part of queries and keys; the content's is about 0.6
SHARPEST = 4  # the rotary embedding's highest frequencies take part: they tell neighbours apart
OUTPUT = 0.6  # the final norm makes every token unit size; what isn't known should be small
CARRIED = 0.3  # the share of attention's output that is added at first


WORD, PLACE = 1.0, 0.1  # standard deviations of the embeddings of words and of their places


@torch.no_grad()
def start_by_telling_apart(text: CLIPTextModel) -> None:
    """Sets the text model's embeddings in place, so that different prompts start far apart.

    CLIP's own start (embeddings of 0.02 in a stream that all prompts share) gives every prompt nearly the
    same vector. The end token, where the pooled vector is read, starts at nothing: it is what the words
    before it make of it.
    """
    embeddings = text.embeddings
    nn.init.normal_(embeddings.token_embedding.weight, std=WORD)
    embeddings.token_embedding.weight[text.config.eos_token_id] = 0
    nn.init.normal_(embeddings.position_embedding.weight, std=PLACE)


@torch.no_grad()
def start_by_copying(transformer: HunyuanVideoTransformer3DModel) -> None:
    """Sets the weights in place."""
    config = transformer.config
    width, channels = config.num_attention_heads * config.attention_head_dim, config.out_channels
    numbers = channels * config.patch_size**2
    carried = min(numbers, config.attention_head_dim)  # a part of a token that doesn't fit a head
    basis = torch.eye(numbers) if carried == numbers else nn.init.orthogonal_(torch.empty(carried, numbers))
    embed = transformer.x_embedder.proj.weight  # [width, 2C + 1, 1, p, p]
    shape = (carried, channels, *embed.shape[2:])
    embed[carried:, channels : 2 * channels] = 0
    embed[:carried] = 0
    embed[:carried, channels : 2 * channels] = basis.view(shape)
    nn.init.zeros_(transformer.proj_out.weight)
    transformer.proj_out.weight[:, :carried] = OUTPUT * basis.T
    carry = torch.zeros(width, width)  # each head reads the carried numbers, and gives them back
    for head in range(config.num_attention_heads):
        begin = head * config.attention_head_dim
        carry[begin : begin + carried, :carried] = torch.eye(carried)
    nn.init.zeros_(transformer.proj_out.bias)
    nn.init.zeros_(transformer.norm_out.linear.weight)
    nn.init.zeros_(transformer.norm_out.linear.bias)
    for block in transformer.transformer_blocks:
        for norm in (block.norm1, block.norm1_context):
            _open_gates(norm.linear, width, gates=(2, 5))
        _look_around(block.attn, transformer, carry)
        block.attn.to_out[0].weight.copy_(CARRIED * carry.T)
        nn.init.zeros_(block.attn.to_out[0].bias)
        for feed_forward in (block.ff, block.ff_context):
            nn.init.zeros_(feed_forward.net[-1].weight)
    for block in transformer.single_transformer_blocks:
        _open_gates(block.norm.linear, width, gates=(2,))
        _look_around(block.attn, transformer, carry)
        nn.init.zeros_(block.proj_out.weight)
        block.proj_out.weight[:, :width] = CARRIED * carry.T
        nn.init.zeros_(block.proj_out.bias)


def _open_gates(modulation: nn.Linear, width: int, gates: tuple[int, ...]) -> None:
    """No shift and no scale at first, the gates open."""
    nn.init.zeros_(modulation.weight)
    nn.init.zeros_(modulation.bias)
    for gate in gates:
        modulation.bias[gate * width : (gate + 1) * width] = 1.0


def _look_around(attention: Any, transformer: HunyuanVideoTransformer3DModel, carry: Tensor) -> None:
    size = transformer.config.attention_head_dim
    attention.to_v.weight.copy_(carry)
    nn.init.zeros_(attention.to_v.bias)
    nn.init.zeros_(attention.to_q.bias)
    nn.init.zeros_(attention.to_k.bias)
    here = PULL * _here(transformer)
    attention.to_q.bias[:size] = here  # one head; the others are free to look elsewhere
    attention.to_k.bias[:size] = here


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
