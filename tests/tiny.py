"""A real engine, only tiny and untrained: the same classes, sampler and windows as the shipped one."""

import torch

from model.autoencoder import PatchAutoencoder
from model.config import EngineConfig
from model.engine import Engine
from model.families.mini import MiniFamily
from model.train.mini import Mini
from model.train.recipe import RECIPES


def build_engine() -> Engine:
    """The same weights at every call; 64x64, two steps."""
    torch.manual_seed(0)
    config = EngineConfig(name="tiny", height=64, width=64, video_steps=2, image_steps=2)
    parts = Mini(RECIPES["smoke"].geometry, config).eval().requires_grad_(False)
    for weight in parts.transformer.parameters():
        weight.add_(0.1 * torch.randn_like(weight))  # much starts at zero, which would hide mistakes
    autoencoder = PatchAutoencoder(width=16, depth=1).eval().requires_grad_(False)
    family = MiniFamily(parts.transformer, autoencoder, parts.conditioner)
    return Engine(config, family, family)
