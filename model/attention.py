"""Attention for a CPU with bfloat16 units: exact, one head and a few hundred queries at a time.

torch's kernel for CPUs spends most of its time between the matrix products. Two plain products and a softmax
over all keys run at the speed of the units, as long as the scores between them keep to one small piece of
memory that is used again and again (LOG.md).
"""

import torch
from diffusers import HunyuanVideoTransformer3DModel
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor

ROWS = 512  # queries at a time: with 2,100 keys, 2 MB of scores


def attention(query: Tensor, key: Tensor, value: Tensor, used: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(D)) v over [B, H, N, D] (Vaswani et al. 2017, eq. 1), of the query's dtype.

    `used` [B, K], bool, speaks of the last K keys; those that it does not name are left out.
    """
    batch, _, count, width = query.shape
    query, columns = query * width**-0.5, key.transpose(-1, -2)
    # Training keeps every softmax for the way back; without it one piece of memory serves them all.
    scratch = None if torch.is_grad_enabled() else query.new_empty(min(ROWS, count), key.shape[2])
    done = []
    for item in range(batch):
        for q, k, v in zip(query[item], columns[item], value[item], strict=True):
            for rows in q.split(ROWS):
                room = None if scratch is None else scratch[: len(rows)]
                scores = torch.mm(rows, k, out=room)
                if used is not None:
                    scores[:, -used.shape[1] :].masked_fill_(~used[item], float("-inf"))
                done.append(torch.mm(torch.softmax(scores, -1, out=room), v))
    return torch.cat(done).view(query.shape)


class RowsAttnProcessor:
    """HunyuanVideo's joint attention, video tokens before the condition's, by `attention`: takes the place
    of diffusers' HunyuanVideoAttnProcessor2_0 in double- and single-stream blocks."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        image_rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """hidden_states [B, N, C], encoder_hidden_states [B, L, C], attention_mask bool [B, 1, 1, N + L]
        (the video tokens are all used) -> both, attended."""

        def heads(tokens: Tensor) -> Tensor:
            return tokens.unflatten(2, (attn.heads, -1))

        def joined(video: Tensor, told: Tensor) -> Tensor:
            return torch.cat([video, told], dim=1)

        count, told = hidden_states.shape[1], encoder_hidden_states.shape[1]
        double = attn.add_q_proj is not None
        tokens = hidden_states if double else joined(hidden_states, encoder_hidden_states)
        query = attn.norm_q(heads(attn.to_q(tokens)))
        key = attn.norm_k(heads(attn.to_k(tokens)))
        value = heads(attn.to_v(tokens))
        if double:
            query = joined(query, attn.norm_added_q(heads(attn.add_q_proj(encoder_hidden_states))))
            key = joined(key, attn.norm_added_k(heads(attn.add_k_proj(encoder_hidden_states))))
            value = joined(value, heads(attn.add_v_proj(encoder_hidden_states)))
        query, key = (
            joined(apply_rotary_emb(x[:, :count], image_rotary_emb, sequence_dim=1), x[:, count:])
            for x in (query, key)
        )
        used = None if attention_mask is None else attention_mask[:, 0, 0, -told:]
        if used is not None and used.all():
            used = None
        query, key, value = (x.transpose(1, 2).contiguous() for x in (query, key, value))
        out = attention(query, key, value, used).transpose(1, 2).flatten(2, 3)
        video, words = out[:, :count], out[:, count:]
        if double:
            video, words = attn.to_out[1](attn.to_out[0](video)), attn.to_add_out(words)
        return video, words


def attend_by_rows(transformer: HunyuanVideoTransformer3DModel) -> None:
    """Gives every double- and single-stream block this attention; the few text tokens of the refiner keep
    diffusers' own."""
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        block.attn.set_processor(RowsAttnProcessor())
