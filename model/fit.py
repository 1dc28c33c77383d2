"""Does it fit? What a window holds in memory at its worst moment, by arithmetic, before anything is loaded.

No torch in here. What is counted was measured once on the meta device, where the real 13 B model can be run
for its shapes alone (tests/model/test_fit.py does it again): a forward of the DiT holds at most 18.1 times
its tokens' hidden states, in the middle of a block; the decoder, which works tile by tile, 2.4 GiB and the
frames it has made.

`python -m model.fit` prints what cards of common sizes hold.
"""

from dataclasses import dataclass, fields
from typing import Literal

from model.geometry import Geometry

GIB = 2**30
HELD_STATES = 18.2  # hidden states of all tokens that are alive at once; measured: 18.0 to 18.12
TILE_BYTES = round(2.45 * GIB)  # decoding one tile of 256x256 pixels and 16 frames, bfloat16
DECODED_COPIES = 2  # of the video: the tiles, and the frames joined from them
RESERVE_BYTES = round(1.5 * GIB)  # CUDA's context and libraries, workspaces, what the allocator can't use
AUTOENCODER = 246_478_803  # parameters of AutoencoderKLHunyuanVideo
ENCODERS = 8_355_272_704 + 123_060_480  # of LLaVA-Llama-3-8B and CLIP-L
ENCODERS_TABLES = 128_320 * 4096 + 49_408 * 768  # their embeddings, which stay as they are
TOLD = 402  # condition tokens: 146 of the picture, 256 of the text
CARDS_GIB = (24, 32, 48, 80)

# Bytes of one weight of a linear layer, and of what goes with a row of them.
WEIGHT_BYTES: dict[str, tuple[float, int]] = {
    "bf16": (2, 0),
    "fp8": (1, 4),
    "fp8-weight": (1, 4),
    "int8": (1, 4),
    "int8-dynamic": (1, 4),
    "int4": (0.5 + 4 / 128, 0),  # each 128 share a scale and a zero, bfloat16
}
Encoders = Literal["offloaded", "bf16", "int8"]


@dataclass(frozen=True)
class Need:
    """Bytes, by what they are for. Denoising and decoding take turns, unless they are `overlapped`."""

    transformer: int
    encoders: int
    autoencoder: int
    denoise: int
    decode: int
    reserve: int = RESERVE_BYTES
    painter: int = 0
    overlapped: bool = False

    @property
    def total(self) -> int:
        turns = (self.denoise, self.decode)
        resident = self.transformer + self.encoders + self.autoencoder + self.painter + self.reserve
        return resident + (sum(turns) if self.overlapped else max(turns))

    def __str__(self) -> str:
        parts = {part.name: getattr(self, part.name) for part in fields(self) if part.name != "overlapped"}
        told = ", ".join(f"{name} {size / GIB:.1f}" for name, size in parts.items() if size)
        return f"{self.total / GIB:.1f} GiB ({told})"


class DoesNotFit(ValueError):
    """`need` is more than the `capacity_bytes` there are."""

    def __init__(self, need: Need, capacity_bytes: int) -> None:
        super().__init__(f"this takes {need}, and there are {capacity_bytes / GIB:.1f} GiB")
        self.need, self.capacity_bytes = need, capacity_bytes


def weights_bytes(geometry: Geometry, precision: str = "bf16") -> int:
    """Of the DiT. Raises KeyError for a precision that WEIGHT_BYTES does not know."""
    weight, row = WEIGHT_BYTES[precision]
    rest = 2 * (geometry.parameters - geometry.linear_weights)
    return round(weight * geometry.linear_weights) + row * geometry.linear_rows + rest


def denoise_bytes(geometry: Geometry, tokens: int, number_bytes: int = 2) -> int:
    return round(HELD_STATES * tokens * geometry.hidden * number_bytes)


def decode_bytes(frames: int, height: int, width: int) -> int:
    """By HunyuanVideo's autoencoder, tiled; height and width in pixels."""
    return TILE_BYTES + DECODED_COPIES * 2 * 3 * frames * height * width


def need(
    geometry: Geometry,
    *,
    latents: int,
    height: int,
    width: int,
    precision: str = "bf16",
    encoders: Encoders = "offloaded",
    resident_blocks: int | None = None,
    overlapped: bool = False,
) -> Need:
    """Of a window of `latents` latent frames, height and width in pixels. With `resident_blocks` only so many
    of the DiT's blocks are on the card at a time (residency.offload_blocks)."""
    transformer = weights_bytes(geometry, precision)
    if resident_blocks is not None:
        transformer = transformer * min(resident_blocks, geometry.blocks) // geometry.blocks
    told = {
        "offloaded": 0,
        "bf16": 2 * ENCODERS,
        "int8": ENCODERS + ENCODERS_TABLES,
    }[encoders]
    tokens = geometry.video_tokens(latents, height // 8, width // 8) + TOLD
    return Need(
        transformer=transformer,
        encoders=told,
        autoencoder=2 * AUTOENCODER,
        denoise=denoise_bytes(geometry, tokens),
        decode=decode_bytes(4 * (latents - 1) + 1, height, width),
        overlapped=overlapped,
    )


def require(wanted: Need, capacity_bytes: int) -> None:
    """Raises DoesNotFit before an out-of-memory would."""
    if wanted.total > capacity_bytes:
        raise DoesNotFit(wanted, capacity_bytes)


def largest_pixels(
    geometry: Geometry,
    *,
    latents: int,
    free_bytes: int,
    number_bytes: int = 2,
    tile_bytes: int = TILE_BYTES,
) -> int:
    """Width times height of the largest picture whose windows of `latents` latent frames can be denoised and
    decoded in `free_bytes`, weights and reserve taken off already."""
    side = 8 * geometry.patch_size  # pixels of a token
    a_token = HELD_STATES * geometry.hidden * number_bytes
    tokens = int(free_bytes / a_token) - TOLD
    denoised = tokens // max(1, latents // geometry.patch_size_t) * side**2
    decoded = (free_bytes - tile_bytes) // (DECODED_COPIES * 2 * 3 * (4 * (latents - 1) + 1))
    return max(0, min(denoised, decoded))


def table() -> str:
    """The 13 B model at 960x544, windows of 81 and of 121 frames."""
    lines = [
        "| weights | encoders | 81 frames | 121 frames | fits (GiB of the card, 121 frames) |",
        "|---|---|---|---|---|",
    ]
    for precision in WEIGHT_BYTES:
        for where in ("offloaded", "int8", "bf16"):
            short, long = (
                need(Geometry(), latents=n, height=544, width=960, precision=precision, encoders=where).total
                for n in (21, 31)
            )
            cards = ", ".join(str(card) for card in CARDS_GIB if long <= card * GIB)
            sizes = " | ".join(f"{total / GIB:.1f} GiB" for total in (short, long))
            lines.append(f"| {precision} | {where} | {sizes} | {cards or 'none of these'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
