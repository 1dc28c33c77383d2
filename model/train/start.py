"""Where training starts: a DiT that already carries what it is given to the same place in every frame.

Random attention has to find out by chance that a moving picture is mostly the given frame, shifted; that
takes a few thousand steps. Here the first numbers of the residual stream are the latents themselves, which
the output reads; every head of attention starts by carrying them over, and all but one start looking at
their own place a few latent frames back, so that what is given reaches every frame within the blocks. To
follow a pan a head has only to learn to look to the side, in the direction the text names. Where a zoom or a
turn looks depends on the place, which rotary embeddings don't tell: the free heads of the first two blocks
start by writing it down, twice with opposite signs, so that the heads which read both see nothing until the
text weighs one of them. The idea is that of mimetic initialisation (Trockman and Kolter 2023); nothing is
fixed, all of it is trained.
"""

import math
from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn
from transformers import CLIPTextModel

PULL = 2.0  # strength of the common part of queries and keys; the content's is about 0.6
SHARPEST = 3  # the rotary embedding's highest frequencies take part: they tell neighbours apart
FOCUS = 1.7  # the scale of normed queries and keys: how sharply a head looks at its place
LOUDER = 2.5  # the pooled text, beside the time, in what modulates the blocks
SLOW, MIDDLE = 4, 5.5  # a frequency that tells left from right, between the middles of 8 and 16 tokens
PLACES = 8  # numbers of the stream that tell places
OUTPUT = 0.6  # the final norm makes every token unit size; what isn't known should be small
CARRIED = 0.3  # the share of attention's output that is added at first


WORD, PLACE = 1.0, 0.4  # standard deviations of the embeddings of words and of their places


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
    text_embedder = transformer.time_text_embed.text_embedder
    for layer in (text_embedder.linear_1, text_embedder.linear_2):
        layer.weight.mul_(LOUDER)
        layer.bias.mul_(LOUDER)
    for index, block in enumerate(transformer.transformer_blocks):
        for norm in (block.norm1, block.norm1_context):
            _open_gates(norm.linear, width, gates=(2, 5))
        _look_back(block.attn, transformer, carry, index)
        block.attn.to_out[0].weight.copy_(CARRIED * carry.T)
        nn.init.zeros_(block.attn.to_out[0].bias)
        for feed_forward in (block.ff, block.ff_context):
            nn.init.zeros_(feed_forward.net[-1].weight)
    for index, block in enumerate(transformer.single_transformer_blocks):
        _open_gates(block.norm.linear, width, gates=(2,))
        _look_back(block.attn, transformer, carry, index)
        nn.init.zeros_(block.proj_out.weight)
        block.proj_out.weight[:, :width] = CARRIED * carry.T
        nn.init.zeros_(block.proj_out.bias)
    if len(transformer.transformer_blocks) >= 2 and config.num_attention_heads >= 3:
        start_with_places(transformer)


@torch.no_grad()
def start_with_places(transformer: HunyuanVideoTransformer3DModel) -> None:
    """Gives the last PLACES numbers of the stream to places, and lets the heads that look back read them."""
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
    for index, axis in enumerate((2, 1)):
        _tell_place(doubles[index].attn, transformer, axis)
    for index, block in enumerate(singles):
        _read_places(block.attn, transformer, index)


def _open_gates(modulation: nn.Linear, width: int, gates: tuple[int, ...]) -> None:
    """No shift and no scale at first, the gates open."""
    nn.init.zeros_(modulation.weight)
    nn.init.zeros_(modulation.bias)
    for gate in gates:
        modulation.bias[gate * width : (gate + 1) * width] = 1.0


def _look_back(
    attention: Any, transformer: HunyuanVideoTransformer3DModel, carry: Tensor, index: int
) -> None:
    """One head looks one latent frame back, the next two or three; of three, the last stays free."""
    size = transformer.config.attention_head_dim
    attention.to_v.weight.copy_(carry)
    for bias in (attention.to_v.bias, attention.to_q.bias, attention.to_k.bias):
        nn.init.zeros_(bias)
    for norm in (attention.norm_q, attention.norm_k):
        norm.weight.fill_(FOCUS)
    for head, back in _backs(transformer, index):
        part = slice(head * size, (head + 1) * size)
        attention.to_q.bias[part] = PULL * _place(transformer, -back)
        attention.to_k.bias[part] = PULL * _place(transformer, 0)


def _tell_place(attention: Any, transformer: HunyuanVideoTransformer3DModel, axis: int) -> None:
    """The last head writes every token's place along `axis` (1 down, 2 right) into the stream, as
    `_numbers` says.

    The picture's queries and keys are rotated by their place, the condition's are not: what share of a
    picture token's attention goes to the condition is made to grow with the place. One number of the head's
    value is 1 in the condition, 0 in the picture.
    """
    size, sizes = transformer.config.attention_head_dim, transformer.config.rope_axes_dim
    begin = (transformer.config.num_attention_heads - 1) * size
    head = slice(begin, begin + size)
    for layer in (attention.to_q, attention.to_k, attention.add_k_proj):
        layer.weight[head] = 0
        layer.bias[head] = 0
    last = sizes[axis] // 2 - 1  # a frequency that hardly turns
    slow, still = (begin + sum(sizes[:axis]) + 2 * pair for pair in (min(SLOW, last), last))
    angle = -MIDDLE * transformer.config.rope_theta ** (-2 * SLOW / sizes[axis]) - math.pi / 2
    attention.to_q.bias[slow] = 2.5 * math.cos(angle)
    attention.to_q.bias[slow + 1] = 2.5 * math.sin(angle)
    attention.to_q.bias[still] = 3.5  # the picture has many more tokens than the condition
    attention.add_k_proj.bias[slow] = attention.add_k_proj.bias[still] = 0.32
    attention.add_k_proj.bias[begin] = 0.89  # the rest of its length, where no query looks
    attention.to_k.bias[begin] = 1.0
    for values in (attention.to_v, attention.add_v_proj):
        values.weight[begin] = 0
        values.bias[begin] = 0
    attention.add_v_proj.bias[begin] = 1.0
    attention.to_out[0].weight[:, head] = 0
    for use in ("zoom", "turn"):
        for number, sign in zip(_numbers(axis, use), (1.0, -1.0), strict=True):
            attention.to_out[0].weight[number, begin] = 4.0 * sign
            attention.to_out[0].bias[number] = -2.0 * sign


def _numbers(axis: int, use: str) -> tuple[int, int]:
    """Where in the stream the place along `axis` stands for `use` ("zoom" or "turn"), and its negative."""
    first = -PLACES + 4 * (axis - 1) + (2 if use == "turn" else 0)
    return first, first + 1


def _read_places(attention: Any, transformer: HunyuanVideoTransformer3DModel, index: int) -> None:
    """The queries of the heads that look back turn with the place, once the text weighs it: for a zoom
    towards it, for a turn across it."""
    size, sizes = transformer.config.attention_head_dim, transformer.config.rope_axes_dim
    for head, back in _backs(transformer, index):
        for axis in (1, 2):
            for pair in range(min(SHARPEST, sizes[axis] // 2)):
                row = head * size + sum(sizes[:axis]) + 2 * pair + 1
                reach = back * transformer.config.rope_theta ** (-2 * pair / sizes[axis])
                attention.to_q.weight[row, _numbers(axis, "zoom")] = reach
                attention.to_q.weight[row, _numbers(3 - axis, "turn")] = reach if axis == 1 else -reach


def _backs(transformer: HunyuanVideoTransformer3DModel, index: int) -> list[tuple[int, int]]:
    """The heads of block `index` that look back, and how many latent frames."""
    heads = max(1, transformer.config.num_attention_heads - 1)
    return list(zip(range(heads), (1, 2 + index % 2), strict=False))


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
