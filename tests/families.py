"""Tiny random weights of every family in the real format: diffusers' and transformers' own classes, saved by
their own `save_pretrained` (configurations, indices, shards, key names)."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLHunyuanVideo,
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    HeliosDMDScheduler,
    HeliosPyramidPipeline,
    HeliosTransformer3DModel,
    HunyuanVideoImageToVideoPipeline,
    HunyuanVideoTransformer3DModel,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, pre_tokenizers, processors
from tokenizers.models import WordLevel
from torch import nn
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3Model,
    UMT5Config,
    UMT5EncoderModel,
)

from model.config import EngineConfig

SHARD = "60KB"
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
SPECIAL += ("<image>",)
ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
"""The first three of them, as configurations call them."""
WORDS = (
    "system user assistant \n\n Describe the video by detailing following aspects according to reference "
    "image "
    "main content and theme of color shape size texture quantity text spatial relationships objects Actions "
    "events behaviors temporal relationships physical movement changes background environment light style "
    "atmosphere camera angles movements transitions used in a red blue green circle square pans left right "
    "zooms out"
)


def tokenizer(*, begins: bool = True, longest: int = 1000) -> PreTrainedTokenizerFast:
    """One word, one token; what it begins or ends with, and how many it takes, is a model's own."""
    words = dict.fromkeys([*SPECIAL, "\n\n", *WORDS.replace("\n\n", "").split(), *".,:0123456789"])
    inner = Tokenizer(WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" +"), "removed"),
            pre_tokenizers.Split(Regex(r"\n\n|\w+|[^\w\s]"), "isolated"),
        ]
    )
    single = "<s> $A" if begins else "$A </s>"
    inner.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    more = list(SPECIAL[4:])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=more,
        model_max_length=longest,
    )


def stirred(model: nn.Module) -> nn.Module:
    """Much starts at zero or at one, which would hide mistakes."""
    for weight in model.parameters():
        weight.data.add_(0.05 * torch.randn_like(weight))
    return model.eval().requires_grad_(False)


def clip_text(width: int, words: int) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=words,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        **ENDS,
    )
    return stirred(CLIPTextModel(config))


def clip_vision(width: int = 16) -> CLIPVisionConfig:
    """576 patches, as the real ones have."""
    return CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=336,
        patch_size=14,
        projection_dim=width,
    )


def hunyuan_transformer() -> HunyuanVideoTransformer3DModel:
    return stirred(
        HunyuanVideoTransformer3DModel(
            in_channels=33,
            out_channels=16,
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=1,
            num_single_layers=2,
            num_refiner_layers=1,
            text_embed_dim=32,
            pooled_projection_dim=32,
            guidance_embeds=False,
            rope_axes_dim=(4, 6, 6),
            image_condition_type="latent_concat",
        )
    )


def hunyuan_pipeline() -> HunyuanVideoImageToVideoPipeline:
    torch.manual_seed(0)
    words = tokenizer()
    text = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        **ENDS,
    )
    seeing = LlavaConfig(
        vision_config=clip_vision(),
        text_config=text,
        image_token_index=words.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
        image_seq_length=576,
    )
    vae = AutoencoderKLHunyuanVideo(
        latent_channels=16,
        block_out_channels=(4, 4, 4, 4),
        layers_per_block=1,
        norm_num_groups=2,
    )
    return HunyuanVideoImageToVideoPipeline(
        text_encoder=stirred(LlavaForConditionalGeneration(seeing)),
        tokenizer=words,
        transformer=hunyuan_transformer(),
        vae=stirred(vae),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder_2=clip_text(32, len(words)),
        tokenizer_2=tokenizer(begins=False, longest=77),
        image_processor=image_processor(),
    )


def umt5(words: int) -> UMT5EncoderModel:
    config = UMT5Config(vocab_size=words, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    return stirred(UMT5EncoderModel(config))


def wan_vae() -> AutoencoderKLWan:
    vae = AutoencoderKLWan(
        base_dim=4,
        z_dim=16,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.1 * index for index in range(16)],
        latents_std=[1.0 + 0.1 * index for index in range(16)],
    )
    return stirred(vae)


def image_processor() -> CLIPImageProcessor:
    return CLIPImageProcessor(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336})


def wan_pipeline() -> WanImageToVideoPipeline:
    torch.manual_seed(0)
    words = tokenizer(begins=False, longest=512)
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=36,
        out_channels=16,
        text_dim=32,
        freq_dim=32,
        ffn_dim=64,
        num_layers=2,
        image_dim=16,
        added_kv_proj_dim=32,
        rope_max_seq_len=32,
        pos_embed_seq_len=None,
    )
    return WanImageToVideoPipeline(
        tokenizer=words,
        text_encoder=umt5(len(words)),
        image_encoder=stirred(CLIPVisionModel(clip_vision())),
        image_processor=image_processor(),
        transformer=stirred(transformer),
        vae=wan_vae(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=5.0),
    )


def helios_pipeline() -> HeliosPyramidPipeline:
    torch.manual_seed(0)
    words = tokenizer(begins=False, longest=512)
    transformer = HeliosTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=16,
        out_channels=16,
        text_dim=32,
        freq_dim=32,
        ffn_dim=48,
        num_layers=2,
        rope_dim=(4, 4, 4),
    )
    return HeliosPyramidPipeline(
        tokenizer=words,
        text_encoder=umt5(len(words)),
        vae=wan_vae(),
        scheduler=HeliosDMDScheduler(),
        transformer=stirred(transformer),
        is_distilled=True,
    )


def z_image_pipeline() -> ZImagePipeline:
    """The default text-to-image model's classes."""
    torch.manual_seed(0)
    words = tokenizer(begins=False, longest=512)
    words.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    reading = Qwen3Config(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        **ENDS,
    )
    transformer = ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[512, 32, 32],
    )
    vae = AutoencoderKL(
        latent_channels=4,
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=2,
        shift_factor=0.1,
        scaling_factor=0.3,
    )
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=stirred(vae),
        text_encoder=stirred(Qwen3Model(reading)),
        tokenizer=words,
        transformer=stirred(transformer),
    )


def wan_lora(transformer: WanTransformer3DModel, file: Path, rank: int = 4) -> None:
    """As lightx2v writes one: the original repository's names, a difference of a bias, an alpha."""
    rng = torch.Generator().manual_seed(9)
    width, inner = transformer.patch_embedding.out_channels, transformer.config.ffn_dim
    sizes = {"ffn.0": (inner, width), "ffn.2": (width, inner)}
    for attention, places in (("self_attn", "qkvo"), ("cross_attn", "qkvo")):
        sizes |= {f"{attention}.{place}": (width, width) for place in places}
    sizes |= {f"cross_attn.{place}": (width, width) for place in ("k_img", "v_img")}
    tensors = {}
    for block in range(transformer.config.num_layers):
        for place, (out, inside) in sizes.items():
            name = f"diffusion_model.blocks.{block}.{place}"
            tensors[f"{name}.lora_down.weight"] = torch.randn(rank, inside, generator=rng)
            tensors[f"{name}.lora_up.weight"] = 0.05 * torch.randn(out, rank, generator=rng)
            tensors[f"{name}.alpha"] = torch.tensor(2.0)
            tensors[f"{name}.diff_b"] = 0.05 * torch.randn(out, generator=rng)
    file.parent.mkdir(parents=True)
    save_file(tensors, file)


def save(pipeline, folder: Path, config: EngineConfig) -> Path:
    """The pipeline's folder, each model in several shards, and the tiny windows' engine.json."""
    pipeline.save_pretrained(folder, max_shard_size=SHARD)
    config.save(folder)
    return folder
