"""What engine.json chooses of how weights lie and compute: whether it can be had, and what it takes. Told
before a weight is read or a GPU is touched."""

import json
from dataclasses import replace
from math import prod
from pathlib import Path

from model.config import EngineConfig
from model.fit import WEIGHT_BYTES, Need, need
from model.geometry import Geometry
from model.painter import FOLDER as PAINTER
from model.parts import read_header
from model.quantize import PRECISIONS, stored_precision

OFFLOADS = {
    "none": "everything stays where it computes",
    "encoders": "those of the condition, and text-to-image, come layer by layer (residency.offload_layers)",
    "blocks": "the DiT's blocks, too (residency.offload_blocks)",
}
BLOCKS_AT_ONCE = 2  # of those that come and go: one computes, the next is on its way


def precision_of(config: EngineConfig, folder: Path) -> str:
    """What the transformer in `folder` computes with."""
    stored = stored_precision(folder / "transformer")
    return stored if config.precision is None else config.precision


def problems(config: EngineConfig, folder: Path) -> list[str]:
    """Why these choices can't be had with these weights, on any machine; nothing where they can."""
    told = []
    stored, wanted = stored_precision(folder / "transformer"), precision_of(config, folder)
    known = ("bf16", *PRECISIONS)
    if config.precision is not None and config.precision not in known:
        told.append(f"precision must be one of {', '.join(known)}, not {config.precision!r}")
    elif stored not in ("bf16", wanted):
        told.append(
            f"precision {wanted}: the transformer is stored in {stored}, and what was rounded is gone; "
            "leave it out, or take other weights"
        )
    if config.offload not in OFFLOADS:
        told.append(f"offload must be one of {', '.join(OFFLOADS)}, not {config.offload!r}")
    if config.offload == "blocks" and config.compiled:
        told.append("offload blocks, compiled: what comes and goes can't be compiled; choose one")
    if config.offload == "blocks" and wanted == "int4":
        told.append("offload blocks, precision int4: such weights can't be pinned, so they can't come and go")
    return [f"engine.json: {problem}" for problem in told]


def wanted(config: EngineConfig, folder: Path) -> Need | None:
    """What a window of the configured size holds on a card, in bfloat16 where nothing else is chosen. None
    for weights whose arithmetic is not known."""
    dit, autoencoder = (_config(folder / part) for part in ("transformer", "vae"))
    kinds = dit.get("_class_name"), autoencoder.get("_class_name")
    precision = precision_of(config, folder)
    if kinds != ("HunyuanVideoTransformer3DModel", "AutoencoderKLHunyuanVideo"):
        return None
    if precision not in WEIGHT_BYTES:  # stored by another library
        return None
    encoders, painter = (
        sum(2 * _numbers(file) for pattern in patterns for file in folder.glob(f"{pattern}/*.safetensors"))
        for patterns in (("text_encoder", "text_encoder_2"), (f"{PAINTER}/*",))
    )
    taken = need(
        Geometry.of(dit),
        latents=config.new_latents + max(1, config.context_latents),
        height=config.height,
        width=config.width,
        precision=precision,
        resident_blocks=BLOCKS_AT_ONCE if config.offload == "blocks" else None,
    )
    return replace(taken, encoders=encoders, painter=painter) if config.offload == "none" else taken


def told(config: EngineConfig, folder: Path) -> str:
    """One line for people."""
    precision, stored = precision_of(config, folder), stored_precision(folder / "transformer")
    how = PRECISIONS.get(precision)
    needs = how and how.capability and ", which needs CUDA {}.{} or newer".format(*how.capability)
    made = "" if precision == stored else " (made when it is loaded)"
    parts = [
        f"precision {precision}{made}{needs or ''}",
        f"offload {config.offload}: {OFFLOADS[config.offload]}",
        f"attention {config.attention}",
        "compiled" if config.compiled else "not compiled",
    ]
    if taken := wanted(config, folder):
        parts.append(f"a window of {config.width}x{config.height} takes {taken} on a card")
    return "; ".join(parts)


def _config(part: Path) -> dict:
    file = part / "config.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def _numbers(file: Path) -> int:
    try:
        return sum(prod(shape) for shape in read_header(file).values())
    except ValueError:
        return 0  # what is wrong with it is told where it is read
