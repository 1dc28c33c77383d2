"""Tokens that know where they are, from the first step of training.

Rotary embeddings tell attention how far away another token is, not where in the picture it is itself. But
where a zoom or a turn looks depends on that, and so does a thing painted in the middle; left to itself, a
small DiT found it out in no run of an hour (LOG.md). So the first block starts by writing every token's
place into the last numbers of the stream, and the heads that look back start ready to read it: each place
stands there twice, with opposite signs, so that a reader sees nothing until the text weighs one of the two.
Nothing is fixed, all of it is trained.
"""

import math
from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import nn

SHARPEST = 3  # the rotary embedding's highest frequencies take part in looking: they tell neighbours apart
PLACES = 8  # numbers of the stream: two axes, twice for zooms and twice for turns
SLOW = 4  # the frequency whose angle grows with the place, by less than half a turn over the picture
MIDDLE = 7.5  # of a picture of 16 tokens
LEVEL = 4.3  # log of how many more tokens the picture has than the condition, roughly
TILT = 1.3  # by how much that is shifted, at most, at the edges


@torch.no_grad()
def start_with_places(transformer: HunyuanVideoTransformer3DModel, looking_back: tuple[int, ...]) -> None:
    """Sets the weights in place: the last PLACES numbers of the stream are for places, the first block's
    heads write them, and in the other blocks the queries of head i, which looks looking_back[i] latent frames
    back, can turn with them. Needs three heads and two double blocks."""
    ours = slice(-PLACES, None)
    doubles, singles = transformer.transformer_blocks, transformer.single_transformer_blocks
    writers = [transformer.x_embedder.proj, *(block.proj_out for block in singles)]
    readers = [transformer.proj_out, *(block.proj_mlp for block in singles)]
    for block in doubles:
        writers += [block.attn.to_out[0], block.ff.net[-1]]
        readers.append(block.ff.net[0].proj)
    for block in (*doubles, *singles):
        readers += [block.attn.to_q, block.attn.to_k, block.attn.to_v]
        norm = block.norm1 if block in doubles else block.norm
        count = 6 if block in doubles else 3  # shift, scale, gate, of attention and then of the MLP
        for kind, weight, bias in zip(
            range(count), norm.linear.weight.chunk(count), norm.linear.bias.chunk(count), strict=True
        ):
            weight[ours] = 0
            bias[ours] = float(kind % 3 == 2)
    for layer in writers:
        layer.weight[ours] = 0
        layer.bias[ours] = 0
    for layer in readers:
        layer.weight[:, ours] = 0
    _tell_places(doubles[0].attn, transformer)
    for block in (*doubles[1:], *singles):
        _read_places(block.attn, transformer, looking_back)


def _tell_places(attention: Any, transformer: HunyuanVideoTransformer3DModel) -> None:
    """Three heads write every token's place into the stream, as `_numbers` says: 0 in the middle of the
    picture, growing downwards and to the right.

    The picture's queries and keys are rotated by their place, the condition's are not. So the share of a
    picture token's attention that goes to the condition can grow downwards in one head and to the right in
    another; a third's doesn't, and is taken off, so that the middle stays 0 whatever the lengths of prompt
    and clip. One number of each head's value is 1 in the condition, 0 in the picture: it carries the share.
    """
    size, sizes = transformer.config.attention_head_dim, transformer.config.rope_axes_dim
    for layer in (attention.to_q, attention.to_k, attention.add_k_proj):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    for norm in (attention.norm_q, attention.norm_k):
        nn.init.ones_(norm.weight)
    agree = size**0.5 / 2**0.5  # of a key with one of the two halves of a query, before the softmax
    for head in (0, 1, 2):
        begin = head * size
        level = begin + sizes[0] - 2  # the lowest frequency of time hardly turns
        slow = begin + sum(sizes[:head]) + 2 * min(SLOW, sizes[head] // 2 - 1)
        angle = -MIDDLE * transformer.config.rope_theta ** (-2 * SLOW / sizes[head]) - math.pi / 2
        attention.to_q.bias[level] = 1.0
        if head:
            attention.to_q.bias[slow] = math.cos(angle)
            attention.to_q.bias[slow + 1] = math.sin(angle)
            attention.add_k_proj.bias[slow] = TILT / agree
        else:
            attention.to_q.bias[level + 1] = 1.0
        attention.add_k_proj.bias[level] = LEVEL / agree
        used = attention.add_k_proj.bias[begin : begin + size].square().sum()
        attention.add_k_proj.bias[begin] = (1 - used).sqrt()  # where no query looks
        attention.to_k.bias[begin] = 1.0
        for values in (attention.to_v, attention.add_v_proj):
            values.weight[begin] = 0
            values.bias[begin] = float(values is attention.add_v_proj)
    for axis in (1, 2):
        for use in ("zoom", "turn"):
            for number, sign in zip(_numbers(axis, use), (1.0, -1.0), strict=True):
                attention.to_out[0].weight[number, axis * size] = 4.0 * sign
                attention.to_out[0].weight[number, 0] = -4.0 * sign


def _numbers(axis: int, use: str) -> tuple[int, int]:
    """Where in the stream the place along `axis` stands for `use` ("zoom" or "turn"), and its negative."""
    first = -PLACES + 4 * (axis - 1) + (2 if use == "turn" else 0)
    return first, first + 1


def _read_places(
    attention: Any, transformer: HunyuanVideoTransformer3DModel, looking_back: tuple[int, ...]
) -> None:
    """Queries turn with the place, once the text weighs it: for a zoom towards it, for a turn across it."""
    size, sizes = transformer.config.attention_head_dim, transformer.config.rope_axes_dim
    for head, back in zip(range(transformer.config.num_attention_heads), looking_back, strict=False):
        for axis in (1, 2):
            for pair in range(min(SHARPEST, sizes[axis] // 2)):
                row = head * size + sum(sizes[:axis]) + 2 * pair + 1
                reach = back * transformer.config.rope_theta ** (-2 * pair / sizes[axis])
                attention.to_q.weight[row, _numbers(axis, "zoom")] = reach
                attention.to_q.weight[row, _numbers(3 - axis, "turn")] = reach if axis == 1 else -reach
