"""Where training starts: a DiT that already carries what it is given to the same place in every frame.

Random attention has to find out by chance that a moving picture is mostly the given frame, shifted; that
takes a few thousand steps. Here the first numbers of the residual stream are the latents themselves, which
the output reads; from the second block on, every head of attention starts by looking at its own place one,
two or three latent frames back, and carries over what it finds. To follow a pan a head has only to learn to
look to the side, in the direction the text names; what zooms, turns and painting a thing in the middle
need besides is in places.py. The idea is that of mimetic initialisation (Trockman and Kolter 2023); nothing
is fixed, all of it is trained.
"""

import math
from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn
from transformers import CLIPTextModel

from model.train.places import SHARPEST, start_with_places

PULL = 2.0  # strength of the common part of queries and keys; the content's is about 0.6
FOCUS = 2.6  # the scale of normed queries and keys: how sharply a head looks at its place
LOUDER = 2.5  # the pooled text, beside the time, in what modulates the blocks
OUTPUT = 0.24  # the final norm makes every token unit size, which latents are not
BACK = (1, 2, 3)  # latent frames, head by head
CARRIED = 0.3  # the share of attention's output that is added at first

WORD, PLACE = 1.0, 0.4  # standard deviations of the embeddings of words and of their places
HEARD = 4.0  # times CLIP's start: how much of the other words a word's attention takes up
APART = 1.4  # the size of what the text model tells


@torch.no_grad()
def start_by_telling_apart(text: CLIPTextModel) -> None:
    """Sets the text model's embeddings in place, so that different prompts start far apart.

    CLIP's own start (embeddings of 0.02 in a stream that all prompts share) gives every prompt nearly the
    same vector. The end token, where the pooled vector is read, starts at nothing: it is what the words
    before it make of it, and at CLIP's own gain that is mostly its place in the sentence: two shapes named in
    one sentence lay too near to each other to be told apart in an hour (LOG.md).
    """
    embeddings = text.embeddings
    nn.init.normal_(embeddings.token_embedding.weight, std=WORD)
    embeddings.token_embedding.weight[text.config.eos_token_id] = 0
    nn.init.normal_(embeddings.position_embedding.weight, std=PLACE)
    for layer in text.encoder.layers:
        layer.self_attn.v_proj.weight.mul_(HEARD)
    text.final_layer_norm.weight.fill_(APART)


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
    text_embedder = transformer.time_text_embed.text_embedder
    for layer in (text_embedder.linear_1, text_embedder.linear_2):
        layer.weight.mul_(LOUDER)
        layer.bias.mul_(LOUDER)
    for index, block in enumerate(transformer.transformer_blocks):
        for norm in (block.norm1, block.norm1_context):
            _open_gates(norm.linear, width, gates=(2, 5))
        _look_back(block.attn, transformer, carry)
        block.attn.to_out[0].weight.copy_(CARRIED * carry.T if index else torch.zeros_like(carry))
        nn.init.zeros_(block.attn.to_out[0].bias)
        for feed_forward in (block.ff, block.ff_context):
            nn.init.zeros_(feed_forward.net[-1].weight)
    for block in transformer.single_transformer_blocks:
        _open_gates(block.norm.linear, width, gates=(2,))
        _look_back(block.attn, transformer, carry)
        nn.init.zeros_(block.proj_out.weight)
        block.proj_out.weight[:, :width] = CARRIED * carry.T
        nn.init.zeros_(block.proj_out.bias)
    if len(transformer.transformer_blocks) >= 2 and config.num_attention_heads >= 3:
        start_with_places(transformer, looking_back=BACK)


def _open_gates(modulation: nn.Linear, width: int, gates: tuple[int, ...]) -> None:
    """No shift and no scale at first, the gates open."""
    nn.init.zeros_(modulation.weight)
    nn.init.zeros_(modulation.bias)
    for gate in gates:
        modulation.bias[gate * width : (gate + 1) * width] = 1.0


def _look_back(attention: Any, transformer: HunyuanVideoTransformer3DModel, carry: Tensor) -> None:
    """Head i looks BACK[i] latent frames back, at its own place."""
    size = transformer.config.attention_head_dim
    attention.to_v.weight.copy_(carry)
    for bias in (attention.to_v.bias, attention.to_q.bias, attention.to_k.bias):
        nn.init.zeros_(bias)
    for norm in (attention.norm_q, attention.norm_k):
        norm.weight.fill_(FOCUS)
    for head, back in zip(range(transformer.config.num_attention_heads), BACK, strict=False):
        part = slice(head * size, (head + 1) * size)
        attention.to_q.bias[part] = PULL * _place(transformer, -back)
        attention.to_k.bias[part] = PULL * _place(transformer, 0)


def _place(transformer: HunyuanVideoTransformer3DModel, later: int) -> Tensor:
    """A query or key of one head, [head size]: a query `later` matches a key 0 that lies at the same place
    `later` latent frames after it.

    The rotary embedding turns pair i of an axis by position * theta^(-2i/n), so that equal vectors agree most
    where their positions do.
    """
    vector = torch.zeros(transformer.config.attention_head_dim)
    begin = 0
    for axis, size in enumerate(transformer.config.rope_axes_dim):
        for pair in range(min(SHARPEST, size // 2)):
            angle = (later if axis == 0 else 0) * transformer.config.rope_theta ** (-2 * pair / size)
            vector[begin + 2 * pair] = math.cos(angle)
            vector[begin + 2 * pair + 1] = math.sin(angle)
        begin += size
    return vector
