"""What a DiT of HunyuanVideo's kind weighs and costs, by arithmetic from its config. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Geometry:
    """The numbers of a `HunyuanVideoTransformer3DModel` that its size follows from.

    The defaults are the 13 B model's. `of` takes them from a config; the patch has the same side in height
    and width.
    """

    in_channels: int = 33
    out_channels: int = 16
    num_attention_heads: int = 24
    attention_head_dim: int = 128
    num_layers: int = 20
    num_single_layers: int = 40
    num_refiner_layers: int = 2
    mlp_ratio: float = 4.0
    patch_size: int = 2
    patch_size_t: int = 1
    guidance_embeds: bool = False
    text_embed_dim: int = 4096
    pooled_projection_dim: int = 768

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Geometry":
        """From a transformer's config.json, or its `config`."""
        return cls(**{name: config[name] for name in cls.__dataclass_fields__ if name in config})

    @property
    def hidden(self) -> int:
        return self.num_attention_heads * self.attention_head_dim

    @property
    def blocks(self) -> int:
        return self.num_layers + self.num_single_layers

    def video_tokens(self, latents: int, height: int, width: int) -> int:
        """Of `latents` latent frames, height and width in latent pixels."""
        return latents // self.patch_size_t * (height // self.patch_size) * (width // self.patch_size)

    @property
    def linears(self) -> list[tuple[int, int]]:
        """(in, out) of every linear layer, in no order."""
        d, mlp = self.hidden, int(self.mlp_ratio * self.hidden)
        embedder = [(256, d), (d, d)]
        told = [*embedder, (self.text_embed_dim, d), (d, d), (self.text_embed_dim, d)]
        refiner = [(d, d)] * 4 + [(d, 4 * d), (4 * d, d), (d, 2 * d)]
        time = [*embedder, (self.pooled_projection_dim, d), (d, d), *embedder * self.guidance_embeds]
        double = [(d, 6 * d)] * 2 + [(d, d)] * 8 + [(d, mlp), (mlp, d)] * 2
        single = [(d, d)] * 3 + [(d, 3 * d), (d, mlp), (d + mlp, d)]
        out = [(d, 2 * d), (d, self.patch_size_t * self.patch_size**2 * self.out_channels)]
        return [
            *told, *refiner * self.num_refiner_layers, *time, *double * self.num_layers,
            *single * self.num_single_layers, *out,
        ]  # fmt: skip

    @property
    def linear_weights(self) -> int:
        """Weights of linear layers, biases left out: what quantising makes smaller."""
        return sum(wide * tall for wide, tall in self.linears)

    @property
    def linear_rows(self) -> int:
        """Their rows: each has a bias, and quantised a scale."""
        return sum(tall for _, tall in self.linears)

    @property
    def parameters(self) -> int:
        d = self.hidden
        patch = self.in_channels * self.patch_size_t * self.patch_size**2 * d + d
        norms = 4 * d * self.num_refiner_layers
        norms += self.attention_head_dim * (4 * self.num_layers + 2 * self.num_single_layers)
        return self.linear_weights + self.linear_rows + patch + norms

    def attention_flops(self, tokens: int) -> int:
        """Of all blocks' two matrix products over `tokens` video and condition tokens, each with each."""
        return 4 * tokens**2 * self.hidden * self.blocks

    def forward_flops(self, video: int, told: int, density: float = 1.0) -> int:
        """Of one forward of one item, a multiplication and an addition being two.

        `density` is the share of pairs that attention looks at. Left out, as they are below a thousandth:
        modulation, which is once a forward, and the refiner's attention among the condition tokens.
        """
        d, mlp = self.hidden, int(self.mlp_ratio * self.hidden)
        block = 4 * d * d + 2 * d * mlp  # a token's, in either kind of block
        patch = self.patch_size_t * self.patch_size**2
        ends = video * patch * d * (self.in_channels + self.out_channels)
        refined = told * (self.text_embed_dim * d + self.num_refiner_layers * 12 * d * d)
        linear = 2 * ((video + told) * self.blocks * block + ends + refined)
        return linear + round(density * self.attention_flops(video + told))
