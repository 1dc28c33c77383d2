"""From a folder of weights to a resident engine. The folder is in diffusers' format: one subfolder a part."""

import hashlib
import importlib.util
import json
from importlib.metadata import version
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import HunyuanVideoTransformer3DModel
from transformers import CLIPTextModel, CLIPVisionModel, PreTrainedTokenizerFast

from model.apart import apart
from model.attention import attend_by_rows
from model.autoencoder import PatchAutoencoder
from model.conditioning import Conditioner
from model.config import EngineConfig
from model.engine import Engine

WEIGHTS = Path(__file__).parent / "weights"


def load_engine(name: str | Path = "mini", *, device: str | None = None) -> Engine:
    """Loads a bundled preset by name, or a folder.

    Raises FileNotFoundError when the folder or a part of it is missing, ImportError when its int8 weights
    need libraries that are not there (extra `int8`). Weights are bfloat16 on every device that has fast
    bfloat16, float32 elsewhere.
    """
    folder = folder_of(name)
    if not (folder / "engine.json").is_file():
        raise FileNotFoundError(f"no model {str(name)!r}: there is no engine.json in a folder of that name")
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()  # for weights that load in a moment they are noise
    return apart(lambda: _load(folder, device))


def folder_of(name: str | Path) -> Path:
    """Where the bundled preset of that name lies, or the folder itself."""
    return Path(name) if Path(name).is_dir() else WEIGHTS / str(name)


def _load(folder: Path, device: str | None) -> Engine:
    _ask_for_int8(folder / "transformer" / "config.json")
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    dtype = torch.bfloat16 if where.type == "cuda" or fast_bfloat16() else torch.float32
    config = EngineConfig.load(folder)
    transformer = HunyuanVideoTransformer3DModel.from_pretrained(folder / "transformer", torch_dtype=dtype)
    autoencoder = PatchAutoencoder.from_pretrained(folder / "vae", torch_dtype=dtype)
    conditioner = Conditioner(
        PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer"),
        CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=dtype),
        CLIPVisionModel.from_pretrained(folder / "image_encoder", dtype=dtype),
        image_tokens=config.image_tokens,
    )
    for part in (transformer, autoencoder, conditioner):
        part.eval().requires_grad_(False).to(where)
    autoencoder.to(memory_format=torch.channels_last)
    if where.type == "cpu" and dtype == torch.bfloat16:
        attend_by_rows(transformer)
    versions = {package: version(package) for package in ("torch", "diffusers", "transformers")}
    hashes = {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.glob("*/*.safetensors"))}
    quantised = getattr(transformer.config, "quantization_config", None)
    description: dict[str, object] = {
        "weights_sha256": hashes,
        "versions": versions,
        "quantised": quantised and type(quantised.quant_type).__name__,
    }
    return Engine(config, transformer, autoencoder, conditioner, description=description)


def _ask_for_int8(config: Path) -> None:
    """Raises ImportError where a quantised transformer's libraries are missing, before anything is read."""
    wanted = ("torchao", "accelerate") if "quantization_config" in json.loads(config.read_text()) else ()
    if missing := [name for name in wanted if importlib.util.find_spec(name) is None]:
        raise ImportError(f"int8 weights need {' and '.join(missing)}: pip install 'magic141[int8]'")


def fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16 or AMX; on Arm, BF16)."""
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
