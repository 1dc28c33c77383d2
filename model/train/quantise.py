"""Engines with int8 weights, stored so: what they are is told by their transformer's config.json, which
diffusers reads."""

import shutil
from pathlib import Path

import torch
from diffusers import HunyuanVideoTransformer3DModel, TorchAoConfig
from torchao.core.config import AOBaseConfig
from torchao.quantization import Int8DynamicActivationInt8WeightConfig, Int8WeightOnlyConfig

from model.train.snapshot import write_strip

QUANTISED: dict[str, AOBaseConfig] = {
    "int8": Int8WeightOnlyConfig(),  # the paper's: each row of weights has a scale
    "int8-dynamic": Int8DynamicActivationInt8WeightConfig(),  # activations as well, token by token
}


def quantise(engine: Path, folder: Path, how: str) -> None:
    """Writes the `engine` anew in `folder` with all linear layers of the DiT as QUANTISED[how]."""
    shutil.copytree(
        engine,
        folder,
        ignore=shutil.ignore_patterns("checkpoint.*", "*.csv", "*.png", "step-*", "whole", "transformer"),
        dirs_exist_ok=True,
    )
    transformer = HunyuanVideoTransformer3DModel.from_pretrained(
        engine / "transformer",
        torch_dtype=torch.bfloat16,
        quantization_config=TorchAoConfig(QUANTISED[how]),
    )
    transformer.save_pretrained(folder / "transformer")
    write_strip(folder)
