"""From a preset's name and a folder of weights to a resident engine. The folder is in diffusers' format: one
subfolder a part."""

import hashlib
import importlib.util
import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import nn

from model import choices, fit
from model.apart import apart
from model.attention import attend_by_rows
from model.backends import attend_by
from model.compiled import compile_blocks
from model.conditioning import Conditioner
from model.config import EngineConfig
from model.dtype import working_dtype
from model.engine import Engine, Painter
from model.families.family import Family
from model.families.mini import MiniFamily
from model.lora import file_in, fuse
from model.painter import TextToImage, painter_problems, text_to_image
from model.parts import BrokenWeights, load_parts, problems, quiet
from model.presets import PRESETS, Preset
from model.preview import Preview, fit_preview
from model.quantize import PRECISIONS, check, quantize, stored_precision
from model.residency import offload_blocks, offload_layers
from model.tiles import attend_sparsely

log = logging.getLogger(__name__)

WEIGHTS = Path(__file__).parent / "weights"


def load_engine(
    name: str | Path = "mini",
    weights: str | Path | None = None,
    *,
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> Engine:
    """Loads a preset by name, or a folder of the bundled family.

    `weights` is a folder or a hub id; None: the preset's own, bundled or by its hub id. Weights are bfloat16
    on every device that has fast bfloat16 and float32 elsewhere, or of `dtype`.

    Raises:
        FileNotFoundError: there is no such preset, or no such folder.
        BrokenWeights: the folder lacks something, or holds something else, or its engine.json chooses what
            these weights can't do.
        CannotRun: its precision is not for this device.
        DoesNotFit: a card is too small for the configured size.
        ImportError: its precision or its offloading needs libraries that are not there (extra `int8`),
            or a family some that the bundled one does without (extra `families`).
    """
    preset = PRESETS.get(str(name), PRESETS["mini"])
    folder = weights_of(name, preset, weights)
    quiet()
    return apart(lambda: _load(preset, folder, device, dtype))


def verify(name: str, folder: Path) -> str:
    """Looks at a folder as `load_engine` does before it reads a weight. Raises BrokenWeights.

    Returns what its engine.json, or the preset, chooses of precision, offloading and attention, in words.
    """
    quiet()
    preset = PRESETS[name]
    config = config_of(preset, folder)
    _look(preset, config, folder)
    return choices.told(config, folder)


def _look(preset: Preset, config: EngineConfig, folder: Path) -> None:
    """Raises BrokenWeights."""
    found = problems(folder, family_class(preset).PARTS) + painter_problems(folder)
    if found := found + choices.problems(config, folder):
        raise BrokenWeights(folder, found)
    if preset.lora:
        file_in(folder)


def make_preview(name: str, folder: Path) -> None:
    """Fits a preview to the folder's autoencoder and writes it there. Raises BrokenWeights, or ValueError for
    a family that has none."""
    quiet()
    kind = family_class(PRESETS[name])
    if not hasattr(kind, "encoded"):
        raise ValueError(f"{name} denoises in a pyramid of sizes: it has no previews")
    parts = {"vae": kind.PARTS["vae"]}
    if found := problems(folder, parts):
        raise BrokenWeights(folder, found)
    vae = load_parts(folder, parts, {"vae": torch.float32})["vae"]
    if torch.cuda.is_available():
        vae.to("cuda")
    frames = config_of(PRESETS[name], folder).frames_per_latent
    fit_preview(lambda pixels: kind.encoded(vae, pixels), frames).save(folder)


def config_of(preset: Preset, folder: Path) -> EngineConfig:
    """The preset's, and before it what the folder's own says."""
    if not (folder / "engine.json").is_file():
        return preset.config
    return EngineConfig.load(folder, preset.config)


def weights_of(name: str | Path, preset: Preset, weights: str | Path | None) -> Path:
    """The folder, downloaded to the hub's cache where `weights`, or the preset, names a hub id."""
    if preset.family == "mini":
        folder = folder_of(name if weights is None else weights)
        if not (folder / "engine.json").is_file():
            told = f"no model {str(name)!r}: there is no engine.json in a folder of that name"
            raise FileNotFoundError(told)
        return folder
    source = preset.repository if weights is None else str(weights)
    if source is None:
        raise FileNotFoundError(f"the weights of {name} were never published: name a folder of your own")
    if Path(source).is_dir():
        return Path(source)
    if not is_hub_id(source):
        raise FileNotFoundError(f"there is no folder {source}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(source))
    except (HfHubHTTPError, OSError) as error:  # a folder's name that is misspelt may look like a hub id
        told = f"there is no folder {source}, and as a hub id it can't be fetched: {error}"
        raise FileNotFoundError(told) from error


def is_hub_id(source: str) -> bool:
    """Whether it reads as `owner/name`."""
    return source.count("/") == 1 and not source.startswith((".", "/", "~"))


def folder_of(name: str | Path) -> Path:
    """Where the bundled preset of that name lies, or the folder itself."""
    return Path(name) if Path(name).is_dir() else WEIGHTS / str(name)


def _load(preset: Preset, folder: Path, device: str | None, dtype: torch.dtype | None) -> Engine:
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if dtype is None:
        dtype = working_dtype(where)
    config = config_of(preset, folder)
    _require(preset, config, folder, where)
    family, painter = _parts(preset, config, folder, dtype)
    precision = choices.precision_of(config, folder)
    if precision != stored_precision(folder / "transformer"):
        quantize(family.transformer, precision, None if config.offload == "blocks" else where)
    _prepare(family, painter, config, where)
    versions = {package: version(package) for package in ("torch", "diffusers", "transformers")}
    hashes = {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.glob("*/*.safetensors"))}
    description: dict[str, object] = {
        "weights_sha256": hashes,
        "versions": versions,
        "precision": precision,
        "quantised": PRECISIONS[precision].config.name if precision in PRECISIONS else None,
        "offload": config.offload,
    }
    return Engine(config, family, painter, preview=Preview.load(folder), description=description)


def _parts(
    preset: Preset, config: EngineConfig, folder: Path, dtype: torch.dtype
) -> tuple[Family, Painter | None]:
    if preset.family == "mini":
        mini = _mini(config, folder, dtype)
        return mini, mini
    kind = family_class(preset)
    dtypes = {name: torch.float32 if name in kind.FLOAT32 else dtype for name in kind.PARTS}
    lora, painter = file_in(folder) if preset.lora else None, text_to_image(folder, dtype)
    family = kind(**load_parts(folder, kind.PARTS, dtypes))
    if lora is not None:
        fuse(family.transformer, lora)
    return family, painter


def family_class(preset: Preset) -> Any:
    """Imported when it's wanted: each brings libraries that the others don't need."""
    if preset.family == "hunyuan":
        from model.families.hunyuan import HunyuanFamily

        return HunyuanFamily
    if preset.family == "wan":
        from model.families.wan import WanFamily

        return WanFamily
    if preset.family == "helios":
        from model.families.helios import HeliosFamily

        return HeliosFamily
    return MiniFamily


def _mini(config: EngineConfig, folder: Path, dtype: torch.dtype) -> MiniFamily:
    parts = load_parts(folder, MiniFamily.PARTS, dict.fromkeys(MiniFamily.PARTS, dtype))
    encoders = parts["text_encoder"], parts["image_encoder"]
    conditioner = Conditioner(parts["tokenizer"], *encoders, image_tokens=config.image_tokens)
    family = MiniFamily(parts["transformer"], parts["vae"], conditioner)
    family.autoencoder.to(memory_format=torch.channels_last)
    return family


def _require(preset: Preset, config: EngineConfig, folder: Path, where: torch.device) -> None:
    """Raises as `load_engine`, before a weight is read: libraries first, the folder, then the device."""
    precision = choices.precision_of(config, folder)
    if preset.family != "mini":
        _ask_for("families", f"{config.name} needs", "accelerate", "ftfy")
    if precision != "bf16":
        _ask_for("int8", f"{precision} weights need", "torchao", "accelerate")
    if config.offload != "none":
        _ask_for("int8", "offloading needs", "accelerate")
    _look(preset, config, folder)
    if precision in PRECISIONS:
        check(precision, where)
    if where.type == "cuda" and (taken := choices.wanted(config, folder)):
        fit.require(taken, torch.cuda.get_device_properties(where).total_memory)


def _prepare(family: Family, painter: Painter | None, config: EngineConfig, where: torch.device) -> None:
    """The one place where loaded weights are changed before they serve, their precision apart: device,
    attention, compilation."""
    visitors = [] if config.offload == "none" else list(family.encoders)
    if isinstance(painter, TextToImage) and config.offload == "none":
        painter.pipe.to(where)
    elif isinstance(painter, TextToImage):
        visitors += [part for part in painter.pipe.components.values() if isinstance(part, nn.Module)]
    for module in visitors:
        offload_layers(module, where)
    if config.offload == "blocks":
        offload_blocks(family.transformer, where)
    for module in family.modules:
        if module not in visitors and not (module is family.transformer and config.offload == "blocks"):
            module.to(where)
    transformer = family.transformer
    if isinstance(family, MiniFamily):
        if where.type == "cpu" and transformer.dtype == torch.bfloat16:
            attend_by_rows(transformer)
    elif isinstance(transformer, HunyuanVideoTransformer3DModel):
        if config.attention == "tiles":
            attend_sparsely(transformer)
        elif where.type == "cuda" or config.attention != "auto":
            log.info("attention by %s", attend_by(transformer, config.attention))
    if config.compiled:
        compile_blocks(transformer)


def _ask_for(extra: str, told: str, *libraries: str) -> None:
    """Raises ImportError."""
    if missing := [name for name in libraries if importlib.util.find_spec(name) is None]:
        raise ImportError(f"{told} {' and '.join(missing)}: pip install 'magic141[{extra}]'")


def sha256(path: Path) -> str:
    with path.open("rb") as file:  # shards of gigabytes
        return hashlib.file_digest(file, "sha256").hexdigest()
