"""The rows of `magic141 bench gpu`: which settings, in the order of what is most worth knowing."""

from collections.abc import Iterator
from dataclasses import dataclass

from model.fit import TOLD

FPS = 24
STEPS = 4
USED = TOLD - 100  # of the condition's tokens: a prompt of usual length is padded
FRAMES = (81, 121)
STAGES = ("condition", "encode", "decode-81", "decode-121")


@dataclass(frozen=True)
class Setting:
    """One row of denoising. `attention`: dense or sparse; "stock" is diffusers' pipeline, "overlap" is sparse
    and then once more with a window being decoded beside it."""

    attention: str
    precision: str
    frames: int

    @property
    def name(self) -> str:
        return f"{self.attention}-{self.precision}-{self.frames}"

    @property
    def latents(self) -> int:
        return (self.frames - 1) // 4 + 1

    @property
    def sparse(self) -> bool:
        return self.attention in ("sparse", "overlap")

    @property
    def stages(self) -> tuple[str, ...]:
        """What else a clip takes."""
        return "condition", "encode", f"decode-{self.frames}"


FIRST = (
    Setting("dense", "bf16", 81),
    Setting("stock", "bf16", 121),
    Setting("sparse", "fp8", 121),
    Setting("overlap", "fp8", 121),
    Setting("dense", "fp8", 81),
    Setting("sparse", "bf16", 121),
    Setting("dense", "int8", 81),
)


def settings() -> Iterator[Setting]:
    """The most telling first."""
    rest = [
        Setting(attention, precision, frames)
        for precision in ("bf16", "fp8", "int8")
        for attention in ("dense", "sparse")
        for frames in FRAMES
    ]
    rest += [Setting("stock", "bf16", 81), Setting("overlap", "fp8", 81)]
    rest += [Setting(attention, "int8-dynamic", 81) for attention in ("dense", "sparse")]
    yield from dict.fromkeys((*FIRST, *rest))
