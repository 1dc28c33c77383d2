"""What is trained here besides the autoencoder: the DiT and the two condition encoders."""

import copy
import shutil
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, HunyuanVideoTransformer3DModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModel

from model.attention import attend_by_rows
from model.conditioning import Conditioner
from model.config import EngineConfig
from model.dtype import fast_bfloat16
from model.train import tokenizer
from model.train.middle import MiddleRotaryPosEmbed
from model.train.recipe import Geometry
from model.train.start import start_by_copying, start_by_telling_apart

MAX_WORDS = 48
THUMBNAIL = 64


def conditioner(recipe: Geometry, *, image_tokens: bool = True) -> Conditioner:
    """Both condition encoders, where their training starts."""
    words, width = tokenizer.build(MAX_WORDS), recipe.tokens_width
    small = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": width // 32,
    }
    text = CLIPTextConfig(
        vocab_size=len(words),
        max_position_embeddings=MAX_WORDS,
        pad_token_id=words.pad_token_id,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        projection_dim=width,
        **small,
    )
    vision = CLIPVisionConfig(image_size=THUMBNAIL, patch_size=16, projection_dim=width, **small)
    encoders = CLIPTextModel(text), CLIPVisionModel(vision)
    start_by_telling_apart(encoders[0])
    return Conditioner(words, *encoders, image_tokens=image_tokens)


class Mini(nn.Module):
    def __init__(self, recipe: Geometry, config: EngineConfig) -> None:
        super().__init__()
        self.config = config
        channels, width = config.latent_channels, recipe.tokens_width
        self.transformer = HunyuanVideoTransformer3DModel(
            in_channels=2 * channels + 1,
            out_channels=channels,
            num_attention_heads=recipe.heads,
            attention_head_dim=recipe.width // recipe.heads,
            num_layers=recipe.double_blocks,
            num_single_layers=recipe.single_blocks,
            num_refiner_layers=1,
            patch_size=recipe.patch,
            guidance_embeds=False,
            text_embed_dim=width,
            pooled_projection_dim=width,
            rope_axes_dim=recipe.rope,
            image_condition_type="latent_concat",
        )
        side = config.height // config.pixels_per_latent
        if fast_bfloat16() and not torch.cuda.is_available():
            attend_by_rows(self.transformer)
        self.transformer.rope = MiddleRotaryPosEmbed(self.transformer.rope, side)
        self.conditioner = conditioner(recipe, image_tokens=config.image_tokens)
        start_by_copying(self.transformer)

    def load(self, folder: Path) -> None:
        """The weights that `save` wrote; their shapes, and the words that they know, must be these."""
        self.transformer.load_state_dict(
            HunyuanVideoTransformer3DModel.from_pretrained(folder / "transformer").state_dict()
        )
        self.read_words(folder)
        self.conditioner.vision.load_state_dict(
            CLIPVisionModel.from_pretrained(folder / "image_encoder").state_dict()
        )

    def read_words(self, folder: Path) -> None:
        """The text encoder in `folder`, an engine's or what the stage `words` left."""
        text = CLIPTextModel.from_pretrained(folder / "text_encoder")
        self.conditioner.text.load_state_dict(text.state_dict())

    def save(self, folder: Path, config: EngineConfig, vae: Path) -> None:
        """An engine: a folder that `load_engine` reads, in diffusers' format and bfloat16, with the
        autoencoder of `vae`."""
        stored = copy.deepcopy(self).to(torch.bfloat16).cpu()
        stored.transformer.save_pretrained(folder / "transformer")
        stored.conditioner.text.save_pretrained(folder / "text_encoder")
        stored.conditioner.vision.save_pretrained(folder / "image_encoder")
        stored.conditioner.tokenizer.save_pretrained(folder / "tokenizer")
        FlowMatchEulerDiscreteScheduler(shift=config.shift).save_pretrained(folder / "scheduler")
        shutil.copytree(vae, folder / "vae", dirs_exist_ok=True)
        config.save(folder)
