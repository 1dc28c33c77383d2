"""Block-sparse attention in a sliding window of tiles over the tokens' 3-D grid.

The video's tokens are put in the order of their tiles once a forward, at the DiT's entrance, so that a tile
is a run of neighbours; every tile attends to the tiles around it (the window is pushed inwards at the border,
so that all see equally many), the condition's tokens to everything and everything to them. (Zhang et al.
2025, "Fast Video Generation with Sliding Tile Attention"; here the last tile of an axis may be smaller, and
no token is added.) Runs by torch's flex_attention: on a GPU compile the blocks (model.compiled), as
uncompiled it holds every score. Uncompiled on a CPU it is torch's dense attention with the mask written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from diffusers.models.attention_dispatch import AttentionBackendName
from diffusers.models.attention_processor import Attention
from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoAttnProcessor2_0
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

BLOCK = 128  # queries and keys that flex_attention takes or leaves together
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Tiling:
    """`tile` in tokens, `window` in tiles (odd), each along time, height and width.

    On 31x34x60 tokens (960x544, 121 frames) the default looks at 24 % of all pairs.
    """

    tile: Triple = (6, 8, 8)
    window: Triple = (3, 3, 5)

    def __post_init__(self) -> None:
        if any(side % 2 == 0 or side < 1 for side in self.window) or min(self.tile) < 1:
            raise ValueError(f"a window of odd sides and a tile are wanted, not {self.window}, {self.tile}")


class Plan:
    """What `tiling` means for one grid [T, H, W] of tokens followed by `told` condition tokens.

    order and inverse [T*H*W]: into tiles and back. mask: flex_attention's, in tile order. `used` [B]: as many
    of all tokens count, the rest is padding; to be set before each forward.
    """

    def __init__(self, tiling: Tiling, grid: Triple, told: int, batch: int, device: torch.device) -> None:
        count = grid[0] * grid[1] * grid[2]
        tiles = [-(-size // side) for size, side in zip(grid, tiling.tile, strict=True)]
        axes = [torch.arange(size) // side for size, side in zip(grid, tiling.tile, strict=True)]
        t, h, w = (axis.view(-1, *[1] * (2 - i)) for i, axis in enumerate(axes))
        tile = ((t * tiles[1] + h) * tiles[2] + w).flatten()
        self.order = torch.argsort(tile, stable=True).to(device)
        self.inverse = torch.argsort(self.order)
        total = tiles[0] * tiles[1] * tiles[2]
        near = torch.ones(total + 1, total + 1, dtype=torch.bool)  # the last one is the condition's
        near[:total, :total] = self._near(tiling, tiles)
        of = torch.cat([tile.sort().values, torch.full((told,), total)])
        self.density = self._mask(near, of, count, batch, device)

    def written_out(self) -> Tensor:
        """[B, 1, N, N], bool."""
        at = torch.arange(self.mask.seq_lengths[0], device=self.used.device)
        item = torch.arange(len(self.used), device=self.used.device).view(-1, 1, 1, 1)
        return self.mask.mask_mod(item, item, at[:, None], at)

    @staticmethod
    def _near(tiling: Tiling, tiles: list[int]) -> Tensor:
        """[tiles, tiles], bool: which see which."""
        seen = torch.ones(1, 1, dtype=torch.bool)
        for number, width in zip(tiles, tiling.window, strict=True):
            reach = min(width, number) // 2
            at = torch.arange(number)
            middle = at.clamp(reach, max(reach, number - 1 - reach))
            axis = (middle[:, None] - at).abs() <= reach if width < number else torch.ones(number, number)
            seen = torch.kron(seen, axis.bool())
        return seen.bool()

    def _mask(self, near: Tensor, of: Tensor, video: int, batch: int, device: torch.device) -> float:
        """Sets `mask` and `used`; returns the share of pairs that are seen.

        Which blocks are empty, full or neither follows from how many tokens of each tile a block holds, so
        that no matrix of all pairs is ever made (at 63,642 tokens it would have 4 billion entries).
        """
        length, blocks = len(of), -(-len(of) // BLOCK)
        holds = torch.zeros(blocks, len(near), dtype=torch.float64)
        holds.index_put_(
            (torch.arange(length) // BLOCK, of), torch.ones(length, dtype=torch.float64), accumulate=True
        )
        pairs = holds @ near.double() @ holds.T
        sizes = holds.sum(1)
        full = pairs == sizes[:, None] * sizes
        full[:, video // BLOCK :] = False  # where padding, or no token at all, can be
        lists = [_listed(full), _listed((pairs > 0) & ~full)]
        self.used = torch.full((batch,), length, dtype=torch.int32, device=device)
        near, of, used = near.to(device), of.to(device), self.used

        def seen(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
            return near[of[q], of[k]] & (k < used[b])

        (full_counts, full_which), (counts, which) = lists
        self.mask = BlockMask.from_kv_blocks(
            counts.to(device),
            which.to(device),
            full_counts.to(device),
            full_which.to(device),
            BLOCK_SIZE=BLOCK,
            mask_mod=seen,
            seq_lengths=(length, length),
        )
        return float(pairs.sum() / length**2)


def _listed(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """bool [Q, K] -> how many in each row, and their columns first, int32 [1, 1, Q] and [1, 1, Q, K]."""
    which = torch.argsort(blocks.int(), dim=1, descending=True, stable=True)
    return blocks.sum(1, dtype=torch.int32)[None, None], which.to(torch.int32)[None, None]


class TiledAttnProcessor(HunyuanVideoAttnProcessor2_0):
    """diffusers' own, with the mask of the forward that is under way."""

    def __init__(self, attention: "TiledAttention") -> None:
        super().__init__()
        self.attention = attention

    @property
    def _attention_backend(self) -> AttentionBackendName:  # type: ignore[override]
        return AttentionBackendName.FLEX if self._by_blocks() else AttentionBackendName.NATIVE

    def _by_blocks(self) -> bool:
        return torch.compiler.is_compiling() or self.attention.dense is None

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_rotary_emb: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        mask = self.attention.plan.mask if self._by_blocks() else self.attention.dense
        return super().__call__(attn, hidden_states, encoder_hidden_states, mask, image_rotary_emb)


class TiledAttention:
    """One DiT's: keeps a plan for each shape that came by, and the one of the forward under way.

    `dense` [B, 1, N, N], bool: the mask written out, where that is the faster way: uncompiled on a CPU.
    """

    plan: Plan
    dense: Tensor | None = None

    def __init__(self, tiling: Tiling) -> None:
        self.tiling, self._plans = tiling, {}  # type: ignore[var-annotated]

    def begin(self, module: HunyuanVideoTransformer3DModel, args: tuple, given: Mapping[str, Any]) -> None:
        """Before a forward, whose arguments have to be named."""
        latents, mask = given["hidden_states"], given["encoder_attention_mask"]
        patch, patch_t = module.config.patch_size, module.config.patch_size_t
        grid = (latents.shape[2] // patch_t, latents.shape[3] // patch, latents.shape[4] // patch)
        shape = (grid, mask.shape[1], latents.shape[0], latents.device)
        if shape not in self._plans:
            self._plans[shape] = Plan(self.tiling, *shape)
        self.plan = self._plans[shape]
        self.plan.used.copy_(grid[0] * grid[1] * grid[2] + mask.sum(1, dtype=torch.int32))
        self.dense = self.plan.written_out() if latents.is_cpu else None


def attend_sparsely(
    transformer: HunyuanVideoTransformer3DModel, tiling: Tiling | None = None
) -> TiledAttention:
    """Gives double- and single-stream blocks sliding-tile attention, for whatever shapes come; the few text
    tokens of the refiner keep diffusers' own.

    Raises ValueError for `token_replace` models, whose blocks count on the first frame's tokens being first.
    """
    if transformer.config.image_condition_type == "token_replace":
        raise ValueError(
            "a token_replace model needs its tokens in their own order; sparse attention moves them"
        )
    attention = TiledAttention(tiling or Tiling())
    transformer.register_forward_pre_hook(attention.begin, with_kwargs=True)
    transformer.x_embedder.register_forward_hook(lambda _, args, tokens: tokens[:, attention.plan.order])
    transformer.rope.register_forward_hook(
        lambda _, args, tables: tuple(table[attention.plan.order] for table in tables)
    )
    transformer.proj_out.register_forward_pre_hook(lambda _, args: (args[0][:, attention.plan.inverse],))
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        block.attn.set_processor(TiledAttnProcessor(attention))
    return attention
