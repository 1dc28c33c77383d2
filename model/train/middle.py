"""Where a small picture lies in the large one, in training."""

from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoRotaryPosEmbed
from torch import Tensor


class MiddleRotaryPosEmbed(HunyuanVideoRotaryPosEmbed):
    """The model's rotary embedding, for pictures that are the middle of a full one of `side` latents: a small
    picture's tokens are counted from where they lie there, and not from its own corner.

    So what small pictures teach of zooms and turns, cheaply, holds in the full size: the centre is the same.
    """

    def __init__(self, stock: HunyuanVideoRotaryPosEmbed, side: int) -> None:
        super().__init__(stock.patch_size, stock.patch_size_t, stock.rope_dim, stock.theta)
        self.side = side

    def forward(self, hidden_states: Tensor) -> tuple[Tensor, Tensor]:
        """[B, C, T, h, w] -> cosines and sines [T * h/p * w/p, D]."""
        time, *sizes = hidden_states.shape[2:]
        full = [max(self.side, size) for size in sizes]
        rotations = super().forward(hidden_states.new_empty((1, 1, time, *full)))
        count, *cells = (size // self.patch_size for size in (time * self.patch_size, *full))
        rows, columns = (
            slice((large - size) // 2 // self.patch_size, (large + size) // 2 // self.patch_size)
            for large, size in zip(full, sizes, strict=True)
        )
        return tuple(
            rotation.unflatten(0, (count, *cells))[:, rows, columns].flatten(0, 2) for rotation in rotations
        )
